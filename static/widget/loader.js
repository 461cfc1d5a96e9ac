// The widget's loader: draws the bubble, opens the panel, and talks to the frame that holds the conversation.
// Served as /widget.js with the tenant's colours and words in place of the empty CONFIG.
(() => {
    const CONFIG = /* config */ {};

    const script = document.currentScript;
    if (!script) return;
    const { origin } = new URL(script.src);
    const name = script.dataset.name || "chatWidget";
    const queue = window[name];
    if (queue?.boot) return; // the snippet is on the page twice

    const KNOWN = `${name}:known`;
    const CROSS = "M18 6 6 18M6 6l12 12";
    const PHONE = "(max-width: 479px), (max-height: 479px) and (max-width: 959px)";
    const READY_MS = 15_000;
    // Answered here; every other command goes to the frame.
    const FORWARDED = ["identify", "send", "newThread", "setAttributes", "setLocale", "setTheme", "page"];
    const PERSON = ["identifier", "hash", "name", "email", "phone"];
    const TEASER_MS = 12_000;

    const given = script.dataset;
    const inbox = given.inbox || "";
    const look = (CONFIG.looks || {})[inbox.slice(0, 8)] || {};
    const settings = {
        inbox,
        locale: given.locale || document.documentElement.lang || "",
        theme: given.theme || look.theme || "auto",
        position: given.position || look.position || "right",
        label: given.label ?? look.label ?? "",
    };
    const listeners = {};
    let ui = null;
    let frame = null;
    let ready = false;
    let late = 0;
    let isOpen = false;
    let unread = 0;
    let waiting = [];
    let focusBefore = null;
    let teasing = 0;

    function emit(event, detail) {
        for (const listener of listeners[event] || []) {
            try {
                listener(detail);
            } catch (error) {
                setTimeout(() => {
                    throw error; // the page's own mistake, reported as such
                });
            }
        }
    }

    function words() {
        const texts = CONFIG.texts || {};
        const wanted = settings.locale.toLowerCase();
        const key = texts[wanted] ? wanted : Object.keys(texts).find((code) => code.split("-")[0] === wanted.split("-")[0]);
        return texts[key || CONFIG.language] || { open: "Chat", close: "Close", title: "Chat", unread: { one: "%(count)s", other: "%(count)s" }, failed: "", retry: "" };
    }

    const CSS = `
        :host { all: initial; color-scheme: light dark; }
        .corner { position: fixed; inset-block-end: 20px; z-index: 2147483000; font: 500 14px/1.4 system-ui, sans-serif; }
        .corner[data-side=right] { right: 20px; }
        .corner[data-side=left] { left: 20px; }
        button { all: unset; box-sizing: border-box; cursor: pointer; }
        .bubble { position: relative; display: grid; place-items: center; inline-size: 56px; block-size: 56px; border-radius: 50%;
            background: var(--brand); color: var(--on); box-shadow: 0 6px 20px rgb(0 0 0 / 22%), 0 0 0 1px rgb(255 255 255 / 14%);
            transition: transform 140ms ease-out; }
        .bubble:hover { transform: scale(1.05); }
        .bubble:active { transform: scale(.97); }
        .bubble:focus-visible { outline: 3px solid var(--brand); outline-offset: 3px; box-shadow: 0 0 0 3px #fff; }
        .bubble[data-label] { display: flex; align-items: center; gap: 8px; inline-size: auto; padding-inline: 18px 22px; border-radius: 28px; font-size: 15px; }
        .bubble[data-label] svg { flex: none; }
        .bubble[data-label][aria-expanded=true] { inline-size: 56px; padding: 15px; }
        .bubble[aria-expanded=true] .words { display: none; }
        .bubble[data-label] .x { position: absolute; inset-inline-start: 15px; }
        .bubble span:empty { display: none; }
        .bubble svg { grid-area: 1 / 1; inline-size: 26px; block-size: 26px; transition: opacity 140ms, transform 140ms; }
        .bubble .x, .bubble[aria-expanded=true] .talk { opacity: 0; transform: rotate(-45deg) scale(.6); }
        .bubble[aria-expanded=true] .x { opacity: 1; transform: none; }
        .badge { position: absolute; inset-block-start: -2px; inset-inline-end: -2px; min-inline-size: 20px; block-size: 20px; padding-inline: 5px;
            box-sizing: border-box; border-radius: 10px; background: #d92d20; color: #fff; font: 600 12px/20px system-ui, sans-serif;
            text-align: center; box-shadow: 0 0 0 2px #fff; }
        .teaser { position: absolute; inset-block-end: 72px; inline-size: min(300px, calc(100vw - 40px)); box-sizing: border-box; display: flex; border-radius: 14px;
            background: light-dark(#fff, #1e2024); color: light-dark(#1a1a1f, #ececef); box-shadow: 0 8px 28px rgb(0 0 0 / 18%), 0 0 0 1px light-dark(rgb(0 0 0 / 6%), rgb(255 255 255 / 14%)); animation: rise 180ms ease-out; }
        [data-side=right] .teaser { right: 0; }
        [data-side=left] .teaser { left: 0; }
        .teaser button:focus-visible { outline: 3px solid var(--brand); outline-offset: -3px; border-radius: 14px; }
        .teaser .say { flex: 1; min-inline-size: 0; min-block-size: 44px; padding: 12px 0 12px 16px; font-weight: 400; overflow-wrap: anywhere; }
        .teaser b { display: block; font-weight: 600; }
        .teaser span { display: -webkit-box; overflow: hidden; -webkit-box-orient: vertical; -webkit-line-clamp: 3; }
        .teaser .away { flex: none; inline-size: 44px; block-size: 44px; display: grid; place-items: center; }
        .teaser svg { inline-size: 16px; block-size: 16px; }
        @keyframes rise { from { opacity: 0; transform: translateY(8px); } }
        .panel { position: fixed; inset-block-end: 90px; inline-size: min(392px, calc(100vw - 40px)); block-size: min(680px, calc(100vh - 120px));
            overflow: hidden; border-radius: 16px; background: light-dark(#fff, #17181b);
            box-shadow: 0 16px 48px rgb(0 0 0 / 24%), 0 2px 8px rgb(0 0 0 / 10%), 0 0 0 1px light-dark(rgb(0 0 0 / 6%), rgb(255 255 255 / 14%));
            visibility: hidden; opacity: 0; transform: translateY(12px) scale(.985); transform-origin: bottom right;
            transition: opacity 140ms ease-out, transform 140ms ease-out, visibility 0s 140ms; }
        [data-side=right] .panel { right: 20px; }
        [data-side=left] .panel { left: 20px; transform-origin: bottom left; }
        .panel[data-open] { visibility: visible; opacity: 1; transform: none; transition-delay: 0s; }
        iframe { position: absolute; inset: 0; inline-size: 100%; block-size: 100%; border: 0; opacity: 0; color-scheme: normal; transition: opacity 120ms; }
        iframe[data-ready] { opacity: 1; }
        .wait { position: absolute; inset: 0; display: flex; flex-direction: column; }
        .wait::before { content: ""; block-size: 72px; background: var(--brand); }
        .wait::after { content: ""; margin: 24px 20px; inline-size: 62%; block-size: 56px; border-radius: 14px; background: light-dark(#eee, #26282d); }
        .wait p { order: 3; margin: 0 20px; color: light-dark(#53535e, #b0b2ba); }
        .wait button { order: 4; margin: 12px 20px; padding: 12px 16px; align-self: flex-start; border-radius: 8px; background: var(--brand); color: var(--on); }
        .wait button:focus-visible { outline: 3px solid var(--brand); outline-offset: 2px; }
        [hidden] { display: none !important; }
        @media ${PHONE} {
            .corner { inset-block-end: 16px; }
            .corner[data-side=right] { right: 16px; }
            .corner[data-side=left] { left: 16px; }
            .corner .panel { inset: 0; inline-size: 100vw; block-size: 100vh; block-size: 100dvh; border-radius: 0; box-shadow: none; }
            .panel[data-open] ~ * { visibility: hidden; }
        }
        @media (prefers-reduced-motion: reduce) { * { transition-duration: 1ms !important; animation-duration: 1ms !important; } }
        @media print { .corner { display: none; } }`;

    function icon(className, path) {
        const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
        const line = document.createElementNS("http://www.w3.org/2000/svg", "path");
        for (const [key, value] of Object.entries({ viewBox: "0 0 24 24", fill: "none", stroke: "currentColor", "stroke-width": "1.75", "stroke-linecap": "round", "stroke-linejoin": "round", class: className, "aria-hidden": "true" })) {
            svg.setAttribute(key, value);
        }
        line.setAttribute("d", path);
        svg.append(line);
        return svg;
    }

    function element(tag, properties, ...children) {
        const node = Object.assign(document.createElement(tag), properties);
        node.append(...children);
        return node;
    }

    function draw() {
        const host = document.createElement("div");
        const root = host.attachShadow({ mode: "open" });
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(CSS);
        root.adoptedStyleSheets = [sheet];
        const badge = element("span", { className: "badge", hidden: true });
        const label = element("span", { className: "words" });
        const bubble = element("button", { className: "bubble", type: "button" }, icon("talk", "M21 11.5a8.5 8.5 0 0 1-12.3 7.6L3 21l1.9-5.7A8.5 8.5 0 1 1 21 11.5Z"), icon("x", CROSS), label, badge);
        const notice = element("p", { hidden: true });
        const again = element("button", { type: "button", hidden: true });
        const wait = element("div", { className: "wait" }, notice, again);
        // While the conversation has the whole screen the keyboard stays in it: whoever leaves at one end comes in at the other.
        const guards = ["last", "first"].map((which) => element("div", { tabIndex: -1, onfocus: () => tell("edge", { which }) }));
        const panel = element("div", { className: "panel", id: "panel" }, guards[0], wait, guards[1]);
        panel.setAttribute("role", "dialog");
        const corner = element("div", { className: "corner" }, panel, bubble);
        root.append(corner);
        bubble.addEventListener("click", api.toggle);
        for (const event of ["pointerenter", "focus", "touchstart"]) bubble.addEventListener(event, load, { once: true, passive: true });
        again.addEventListener("click", () => {
            unload();
            load();
        });
        root.addEventListener("keydown", (event) => {
            if (event.key === "Escape" && isOpen) api.close();
        });
        window.visualViewport?.addEventListener("resize", fit);
        document.body.append(host);
        ui = { host, corner, panel, bubble, badge, label, guards, wait, notice, again };
        paint();
    }

    // The keyboard of a phone covers a fixed panel unless its height is what can be seen.
    function fit() {
        if (!ui) return;
        const phone = isOpen && matchMedia(PHONE).matches;
        ui.panel.setAttribute("aria-modal", phone);
        for (const guard of ui.guards) guard.tabIndex = phone ? 0 : -1;
        ui.panel.style.height = phone ? `${window.visualViewport.height}px` : "";
        ui.panel.style.top = phone ? `${window.visualViewport.offsetTop}px` : "";
    }

    function paint() {
        if (!ui) return;
        const text = words();
        const dark = settings.theme === "dark" || (settings.theme === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
        ui.corner.dataset.side = settings.position === "left" ? "left" : "right";
        ui.corner.style.colorScheme = dark ? "dark" : "light";
        // The same lift as in static/css/tokens.css: a very dark brand must not sink into a dark page.
        const primary = CONFIG.primary || "#333333";
        ui.corner.style.setProperty("--brand", dark ? `oklch(from ${primary} max(l, 0.52) c h)` : primary);
        ui.corner.style.setProperty("--on", CONFIG.onPrimary || "#ffffff");
        ui.corner.hidden = Boolean(settings.hidden);
        ui.panel.toggleAttribute("data-open", isOpen);
        ui.bubble.setAttribute("aria-expanded", isOpen);
        ui.bubble.setAttribute("aria-controls", "panel");
        ui.bubble.toggleAttribute("data-label", Boolean(settings.label));
        ui.label.textContent = settings.label;
        ui.panel.setAttribute("aria-label", text.title);
        const count = unread ? ` (${text.unread[unread === 1 ? "one" : "other"].replace("%(count)s", unread)})` : "";
        ui.bubble.setAttribute("aria-label", isOpen ? text.close : text.open + count);
        ui.badge.hidden = !unread || isOpen;
        ui.badge.textContent = unread > 99 ? "99+" : unread;
        ui.notice.textContent = text.failed;
        ui.again.textContent = text.retry;
        if (frame) frame.title = text.title;
        fit();
    }

    function load() {
        if (frame || !ui) return;
        const query = new URLSearchParams({ inbox: settings.inbox, locale: settings.locale, theme: settings.theme });
        frame = element("iframe", { src: `${origin}/widget/app/?${query}`, allow: "clipboard-write; microphone; camera; autoplay; display-capture; fullscreen" });
        frame.addEventListener("load", () => {
            tell("init", {
                open: isOpen,
                settings: { locale: settings.locale, theme: settings.theme },
                page: { url: location.href, title: document.title, referrer: document.referrer },
            });
        });
        ui.wait.hidden = false;
        ui.notice.hidden = ui.again.hidden = true;
        late = setTimeout(() => {
            if (ui) ui.notice.hidden = ui.again.hidden = false;
            emit("error", { code: "unreachable" });
        }, READY_MS);
        ui.guards[1].before(frame);
        paint();
    }

    /** A word beside the bubble: a message that just came, or an invitation of the website. */
    function tease({ name: from, text, act, put }) {
        if (!ui || isOpen || settings.hidden || !text) return;
        calm();
        const say = element("button", { className: "say", type: "button", onclick: () => (calm(), api.open(), act?.()) }, element("b", { textContent: from || "" }), element("span", { textContent: text }));
        const away = element("button", { className: "away", type: "button", onclick: () => (calm(), ui.bubble.focus(), put?.()) }, icon("", CROSS));
        away.setAttribute("aria-label", words().dismiss);
        ui.teaser = element("div", { className: "teaser" }, say, away);
        ui.teaser.setAttribute("role", "status");
        ui.bubble.before(ui.teaser);
        if (!act) teasing = setTimeout(calm, TEASER_MS);
    }

    function calm() {
        clearTimeout(teasing);
        ui?.teaser?.remove();
        if (ui) ui.teaser = null;
    }

    /** `(2) Shop` while something waits and nobody looks. */
    function entitle() {
        const bare = document.title.replace(/^\(\d+\+?\) /, "");
        const wanted = unread && !isOpen ? `(${unread > 99 ? "99+" : unread}) ${bare}` : bare;
        if (document.title !== wanted) document.title = wanted;
    }

    function unload() {
        clearTimeout(late);
        frame?.remove();
        frame = null;
        ready = false;
    }

    function tell(type, detail) {
        // Only our own host hears it, whatever the frame shows by now.
        frame?.contentWindow?.postMessage({ type, ...detail }, origin);
    }

    function command(type, args) {
        if (!ui) return;
        load();
        if (ready) tell("command", { command: type, args });
        else waiting.push([type, args]);
    }

    function remember(known) {
        try {
            if (known) localStorage.setItem(KNOWN, "1");
            else localStorage.removeItem(KNOWN);
        } catch {
            // A page without storage only loses the early start.
        }
    }

    function known() {
        try {
            return localStorage.getItem(KNOWN) === "1";
        } catch {
            return false;
        }
    }

    window.addEventListener("message", ({ data, source, origin: from }) => {
        if (!frame || source !== frame.contentWindow || from !== origin || typeof data?.type !== "string") return;
        if (data.type === "ready") {
            clearTimeout(late);
            ready = true;
            frame.setAttribute("data-ready", "");
            ui.wait.hidden = true;
            for (const [type, args] of waiting.splice(0)) tell("command", { command: type, args });
            if (isOpen) tell("opened");
            emit("ready");
        } else if (data.type === "close") {
            api.close();
        } else if (data.type === "open") {
            api.open();
        } else if (data.type === "teaser") {
            const id = data.campaign;
            const say = (event) => id && (() => tell("campaign", { id, event }));
            tease({ ...data, act: say("opened"), put: say("dismissed") });
        } else if (data.type === "known") {
            remember(true);
        } else if (data.type === "wiped") {
            remember(false);
            remove();
        } else if (data.type === "event") {
            if (data.event === "unread") {
                unread = data.detail.count;
                if (!unread) calm();
                entitle();
                paint();
            }
            emit(data.event, data.detail);
        }
    });

    function remove() {
        unload();
        calm();
        ui?.host.remove();
        ui = null;
        isOpen = false;
        unread = 0;
        waiting = [];
        entitle();
    }

    /** Who the website says this is; `identifier` counts only with its `hash`. */
    function person(options) {
        const said = Object.fromEntries(PERSON.filter((key) => options?.[key]).map((key) => [key, options[key]]));
        if (Object.keys(said).length) command("identify", [said]);
        if (options?.attributes) command("setAttributes", [options.attributes]);
    }

    const api = {
        boot(options) {
            if (ui) return api.update(options);
            Object.assign(settings, options);
            draw();
            person(options);
            if (known() || look.campaigns) load();
        },
        /** Forget this visitor on this device: for shared computers, after a log-out. */
        shutdown() {
            if (!ui) return;
            isOpen = false;
            paint();
            command("shutdown", []);
        },
        update(options) {
            Object.assign(settings, options);
            if (options?.locale) command("setLocale", [options.locale]);
            if (options?.theme) command("setTheme", [options.theme]);
            person(options);
            paint();
        },
        open() {
            if (!ui || isOpen) return;
            focusBefore = document.activeElement;
            isOpen = true;
            settings.hidden = false;
            calm();
            load();
            paint();
            entitle();
            frame.focus();
            tell("opened");
            emit("open");
        },
        close() {
            if (!ui || !isOpen) return;
            isOpen = false;
            paint();
            tell("closed");
            const back = focusBefore?.isConnected && focusBefore !== document.body && focusBefore !== ui.host ? focusBefore : ui.bubble;
            back.focus();
            emit("close");
        },
        toggle: () => (isOpen ? api.close() : api.open()),
        hide() {
            api.close();
            settings.hidden = true;
            calm();
            paint();
        },
        /** Speak first: a card beside the bubble with an invitation; whoever takes it up finds the chat open. */
        invite({ text, from, message } = {}) {
            tease({ name: from, text, act: () => {
                emit("invite", { text });
                if (message) command("send", [message]);
            } });
        },
        show() {
            settings.hidden = false;
            paint();
        },
        on(event, listener) {
            (listeners[event] ||= []).push(listener);
        },
        off(event, listener) {
            listeners[event] = (listeners[event] || []).filter((one) => one !== listener);
        },
        /** The queue's own form, so that code written before and after loading is the same. */
        push(...calls) {
            for (const [method, ...args] of calls) {
                if (typeof api[method] === "function" && method !== "push") api[method](...args);
            }
        },
    };
    for (const method of FORWARDED) {
        api[method] = (...args) => {
            if (method === "setLocale") settings.locale = args[0];
            if (method === "setTheme") settings.theme = args[0];
            command(method, args);
            paint();
        };
    }
    window[name] = api;

    function start() {
        if (script.dataset.boot !== "manual") api.boot();
        if (Array.isArray(queue)) api.push(...queue);
        matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
        // Shops that change pages without loading one.
        window.navigation?.addEventListener("navigatesuccess", () => ready && api.page(location.href));
    }
    // After the page's own work: the shop comes first.
    const idle = window.requestIdleCallback || ((work) => setTimeout(work, 200));
    const soon = () => idle(start, { timeout: 2000 });
    if (document.readyState === "complete") soon();
    else window.addEventListener("load", soon, { once: true });
})();

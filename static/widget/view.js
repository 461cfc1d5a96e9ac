// What the visitor sees: head, home, thread. Draws from the model; decides nothing.

import { arrange, h, icon } from "../js/chat/dom.js";
import { age, day, fill, initials, plural, sameDay, together } from "../js/chat/format.js";
import { createComposer } from "./composer.js";
import { createLines, extraStyles, face, pictures } from "./lines.js";

const FOCUSABLE = "button:not([disabled]):not([tabindex='-1']), a[href], input:not([tabindex='-1']), textarea, select, audio, video, [tabindex='0']";

export function createView({ root, boot, actions }) {
    let text = boot.texts;
    let locale = boot.locale;
    let screen = "";
    let nodes = new Map();
    let shownThread = null;
    let asked = null;
    let helped = null;

    Object.assign(pictures, boot.faces);
    const lines = createLines({ boot, actions: { ...actions, jump, again: () => draw.again?.(), answer: (item) => composer.answer(item) } });

    // --- Head -----------------------------------------------------------------------------------------

    const back = h("button.head-button.head-back", { type: "button", onclick: () => actions.back() }, icon("back"));
    const close = h("button.head-button", { type: "button", onclick: actions.close }, icon("close"));
    const more = h("button.head-button", { type: "button", "aria-expanded": "false", "aria-controls": "more", onclick: () => toggleMenu() }, icon("more"));
    const faces = h("div.faces", { "aria-hidden": "true" });
    const title = h("h1.head-title", { tabindex: "-1" });
    const status = h("p.head-status", { "aria-live": "polite" });
    const menu = h("ul.menu", { id: "more", hidden: true });
    const head = h("header.head", {}, back, faces, h("div.head-words", {}, title, status), more, close, menu);

    // --- Home -----------------------------------------------------------------------------------------

    const hero = h("div.hero", {}, h("div.hero-top", {}, h("div.hero-mark"), h("div.faces.hero-faces", { "aria-hidden": "true" })), h("h1.hero-words", { tabindex: "-1" }));
    const homeClose = h("button.head-button.home-close", { type: "button", onclick: actions.close }, icon("close"));
    const start = h("button.start-card", { type: "button", onclick: actions.newThread }, h("span.card-words", {}, h("span.card-title"), h("span.card-note")), icon("send"));
    const list = h("ul.threads");
    const listTitle = h("h2.tile-title");
    const recent = h("section.tile", {}, listTitle, list);
    const find = h("input.find", { type: "search", autocomplete: "off", enterkeyhint: "search", onfocus: () => help() });
    const found = h("div.found", { "aria-live": "polite" });
    const helpTile = h("section.tile", { role: "search", hidden: true }, h("div.find-frame", {}, icon("search"), find), found);
    const home = h("section.home", {}, hero, h("div.tiles", {}, start, recent, helpTile), homeClose);

    // --- Article ---------------------------------------------------------------------------------------

    const article = h("section.article", { hidden: true, tabindex: "-1" });

    // --- Thread ---------------------------------------------------------------------------------------

    const notice = h("p.notice", { role: "status", hidden: true });
    const place = h("p.place", { role: "status", hidden: true });
    const log = h("div.log", { role: "log", tabindex: "0", "aria-relevant": "additions" });
    const typing = h("p.visually-hidden", { role: "status" });
    const newer = h("button.newer", { type: "button", hidden: true, onclick: () => toEnd(true) }, icon("down"), h("span"));
    const alert = h("p.visually-hidden", { role: "alert" });
    const hint = h("p.hint", { hidden: true });
    const confirm = h("div.confirm", { role: "group", hidden: true });
    const stage = h("section.thread");
    const composer = createComposer({ boot, stage, actions: { draft: actions.draft, say, send: (item) => {
        actions.send(item);
        toEnd();
    } } });
    const call = h("div.call-stage", { hidden: true });
    stage.append(call, notice, place, h("div.log-frame", {}, log, newer), hint, confirm, composer.lane, composer.node, composer.drop, typing);

    root.replaceChildren(head, home, article, stage, alert);
    // The keyboard of a phone, or a longer draft, takes room: who was at the end stays there.
    let stuck = true;
    log.addEventListener("scroll", () => {
        stuck = atEnd();
        if (stuck) newer.hidden = true;
    });
    new ResizeObserver(() => stuck && toEnd()).observe(log);
    // Pictures arrive later than their lines.
    log.addEventListener("load", () => stuck && toEnd(), true);
    log.addEventListener("click", ({ target }) => {
        // On touch screens a tap on a line offers to answer it.
        const line = target.closest?.(".message");
        for (const one of log.querySelectorAll(".message[data-picked]")) if (one !== line) one.removeAttribute("data-picked");
        line?.toggleAttribute("data-picked");
    });
    root.addEventListener("keydown", (event) => {
        if (event.key !== "Escape" || event.isComposing) return;
        if (!menu.hidden) return toggleMenu(false);
        if (!confirm.hidden) return unask();
        if (composer.escape()) return;
        actions.close();
    });
    document.addEventListener("click", ({ target }) => {
        if (!menu.hidden && !menu.contains(target) && !more.contains(target)) toggleMenu(false, false);
    });

    // --- Menu -----------------------------------------------------------------------------------------

    async function toggleMenu(open = menu.hidden, refocus = true) {
        if (open) {
            const offered = await actions.menu();
            menu.replaceChildren(...offered.map(({ icon: sign, label, run, pressed }) => h("li", {}, h("button", { type: "button", "aria-pressed": pressed === undefined ? null : String(pressed), onclick: () => {
                toggleMenu(false);
                run();
            } }, icon(sign), h("span", {}, label)))));
        }
        menu.hidden = !open;
        more.setAttribute("aria-expanded", open);
        if (open) menu.querySelector("button")?.focus();
        else if (refocus) more.focus();
    }

    menu.addEventListener("keydown", (event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
        if (!step) return;
        event.preventDefault();
        const all = [...menu.querySelectorAll("button")];
        all.at((all.indexOf(document.activeElement) + step) % all.length).focus();
    });

    /** A question in the thread, answered by one of two buttons. */
    function ask({ question, yes, field, run }) {
        const input = field ? h("input.input", { type: "email", value: field.value ?? "", "aria-label": field.label, placeholder: field.label, required: true, autocomplete: "email" }) : null;
        const form = h("form.confirm-form", { onsubmit: (event) => {
            event.preventDefault();
            unask();
            run(input?.value.trim());
        } }, h("p", {}, question), input, h("div.confirm-buttons", {}, h("button.small", { type: "submit" }, yes), h("button.small.quiet", { type: "button", onclick: unask }, text.cancel)));
        confirm.setAttribute("aria-label", question);
        confirm.replaceChildren(form);
        confirm.hidden = false;
        extraStyles();
        (input ?? form.querySelector("button")).focus();
    }

    function unask() {
        confirm.hidden = true;
        confirm.replaceChildren();
        more.focus();
    }

    function say(words, good = false) {
        hint.toggleAttribute("data-good", good);
        alert.textContent = words;
        hint.textContent = words;
        hint.hidden = !words;
        clearTimeout(say.timer);
        say.timer = setTimeout(() => (hint.hidden = true), 8_000);
    }

    // --- Scrolling ------------------------------------------------------------------------------------

    function atEnd() {
        return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    }

    function calm() {
        return matchMedia("(prefers-reduced-motion: reduce)").matches;
    }

    function toEnd(smooth = false) {
        log.scrollTo({ top: log.scrollHeight, behavior: !smooth || calm() ? "instant" : "smooth" });
        newer.hidden = true;
        stuck = true;
    }

    function jump(key) {
        const line = nodes.get(key)?.node;
        if (!line) return;
        line.scrollIntoView({ block: "center", behavior: calm() ? "instant" : "smooth" });
        line.setAttribute("data-lit", "");
        setTimeout(() => line.removeAttribute("data-lit"), 1600);
    }

    // --- Words ----------------------------------------------------------------------------------------

    function words() {
        document.documentElement.lang = locale;
        document.title = text.title;
        back.setAttribute("aria-label", text.back);
        more.setAttribute("aria-label", text.more);
        for (const button of [close, homeClose]) button.setAttribute("aria-label", text.close);
        log.setAttribute("aria-label", text.log);
        newer.lastChild.textContent = text.newer;
        listTitle.textContent = text.recent;
        find.placeholder = text.find;
        find.setAttribute("aria-label", text.find);
    }

    function help() {
        if (!boot.help || helped) return;
        extraStyles();
        helped = import("./help.js").then(({ createHelp }) => createHelp({ boot, api: actions.api, input: find, results: found, open: actions.article }), () => (helped = null));
    }

    function answeredBy(state) {
        if (!state.online) return boot.reopens || text.away;
        return boot.replyTime || text.online;
    }

    // --- Drawing --------------------------------------------------------------------------------------

    function drawHead(state) {
        const agent = state.agent;
        const team = boot.team ?? [];
        const inThread = state.screen === "thread";
        title.textContent = inThread && agent ? agent.name : boot.name;
        const said = answeredBy(state);
        if (status.lastChild?.textContent !== said || status.childElementCount !== (state.online ? 2 : 1)) {
            // The dot is for eyes; the word for those who hear the page.
            status.replaceChildren(...(state.online ? [h("span.visually-hidden", {}, `${text.online}. `)] : []), h("span", {}, said));
        }
        head.toggleAttribute("data-online", state.online);
        const people = inThread && agent ? [agent.name] : team.slice(0, 3);
        const shown = people.join("\n");
        if (faces.dataset.shown !== shown) {
            faces.dataset.shown = shown;
            faces.replaceChildren(...(people.length ? people.map(face) : [boot.logo ? h("img.mark", { src: boot.logo, alt: "" }) : face(boot.name)]));
        }
        head.hidden = state.screen === "home";
        back.hidden = !state.canGoHome;
        more.hidden = !inThread;
    }

    function drawHome(state) {
        hero.lastChild.textContent = boot.greeting || text.greeting;
        hero.querySelector(".hero-mark").replaceChildren(boot.logo ? h("img.mark", { src: boot.logo, alt: boot.name }) : h("span.hero-name", {}, boot.name));
        const team = boot.team ?? [];
        const row = hero.querySelector(".hero-faces");
        if (row.childElementCount !== team.length) row.replaceChildren(...team.map(face));
        start.querySelector(".card-title").textContent = text.write;
        start.querySelector(".card-note").textContent = answeredBy(state);
        recent.hidden = !state.recent.length;
        helpTile.hidden = !boot.help;
        if (boot.help) help();
        arrange(
            list,
            state.recent.slice(0, 20).map((talk) => {
                const name = talk.assignee?.name || boot.name;
                const row = nodes.get(talk.id) ?? h("li", {}, h("button.row", { type: "button", onclick: () => actions.open(talk.id) }));
                nodes.set(talk.id, row);
                row.firstChild.replaceChildren(
                    face(name),
                    h("span.row-words", {}, h("span.row-name", {}, name), h("span.row-preview", {}, talk.preview_direction === "in" ? fill(text.you, { text: talk.preview }) : talk.preview || text.newThread)),
                    h("span.row-end", {}, h("span.row-age", {}, talk.last_message_at ? age(talk.last_message_at, locale, text) : ""), talk.unread ? h("span.count", {}, h("span", { "aria-hidden": "true" }, talk.unread), h("span.visually-hidden", {}, plural(text.unread, talk.unread, locale))) : talk.status === "resolved" ? h("span.done", {}, text.ended) : ""),
                );
                return row;
            }),
        );
    }

    function node(key, make) {
        if (!nodes.has(key)) nodes.set(key, { node: make() });
        return nodes.get(key).node;
    }

    function drawIntro(state) {
        const people = boot.team?.length ? boot.team.slice(0, 3) : [boot.name];
        const intro = node("intro", () => h("div.intro", {}, h("div.intro-faces"), h("p.intro-greeting"), h("p.intro-reply")));
        if (intro.firstChild.childElementCount !== people.length) intro.firstChild.replaceChildren(...people.map(face));
        intro.children[1].textContent = boot.greeting || text.greeting;
        intro.children[2].textContent = state.online ? boot.replyTime || text.online : [boot.offlineText || text.away, boot.reopens].filter(Boolean).join(" ");
        return intro;
    }

    function drawTyping(state) {
        const bubble = node("typing", () => h("div.message.is-typing", { "aria-hidden": "true" }, h("span.face"), h("div.bubble", {}, h("span.dots", {}, h("i"), h("i"), h("i")))));
        bubble.firstChild.textContent = initials(state.typing);
        return bubble;
    }

    // A line is drawn again only when something in it changed, so that selection and screen readers are left alone.
    function drawThread(state) {
        if (state.thread !== shownThread) {
            if (!state.moved) {
                log.replaceChildren();
                nodes = new Map();
                composer.set(state.draft);
            }
            shownThread = state.thread;
        }
        const stick = stuck || !log.children.length;
        const before = nodes.size;
        const drawn = [drawIntro(state)];
        if (state.loading) drawn.push(node("skeleton", () => h("div.skeleton", { "aria-hidden": "true" }, h("i"), h("i"), h("i"))));
        const shown = state.lines.filter((item) => item.kind !== "activity" || lines.activity(item));
        shown.forEach((item, index) => {
            const previous = shown[index - 1];
            const next = shown[index + 1];
            if (!previous || !sameDay(previous.at, item.at)) {
                const mark = node(`day:${new Date(item.at).toDateString()}`, () => h("p.day"));
                mark.textContent = day(item.at, locale, text);
                drawn.push(mark);
            }
            const place = { first: !together(previous, item), last: !together(item, next), newest: !next };
            const shape = JSON.stringify([{ ...item, files: item.files?.length, share: item.share === undefined ? 0 : 1 }, place, locale, lines.whole]);
            let entry = nodes.get(item.key);
            if (entry?.shape !== shape) {
                const made = item.kind === "activity" ? h("p.activity", {}, lines.activity(item)) : lines.line(item, place);
                // What was there already does not arrive again.
                if (entry || state.loading) made.classList.add("still");
                if (entry) entry.node.replaceWith(made);
                entry = { node: made, shape };
                nodes.set(item.key, entry);
            }
            const bar = item.share === undefined ? null : entry.node.querySelector("progress");
            if (bar) bar.value = item.share;
            drawn.push(entry.node);
        });
        if (state.typing) drawn.push(drawTyping(state));
        drawAsked(state, drawn);
        arrange(log, drawn);
        if (stick) toEnd();
        else if (nodes.size > before && !shown.at(-1)?.mine) newer.hidden = false;
        // What was there on opening is not news; what comes later is.
        log.setAttribute("aria-live", state.loading ? "off" : "polite");

        const typed = state.typing ? fill(text.typing, { name: state.typing }) : "";
        if (typing.textContent !== typed) typing.textContent = typed;
        notice.hidden = !state.trouble;
        notice.textContent = state.trouble ? text[state.trouble] : "";
        place.hidden = !state.queue;
        place.textContent = state.queue ?? "";
    }

    /** What is asked before the first message takes the composer's place. */
    function drawAsked(state, drawn) {
        if (asked?.key !== state.asking?.key) {
            const now = state.asking;
            asked = now ? { key: now.key, form: null } : null;
            if (now) extraStyles();
            if (now) import("./form.js").then(({ createForm }) => {
                if (asked?.key !== now.key) return;
                asked.form = createForm({ text, ...now });
                draw.again?.();
                if (now.focus && !matchMedia("(pointer: coarse)").matches) asked.form.focus();
            }, () => say(text.partFailed));
        }
        composer.node.hidden = Boolean(asked);
        if (asked?.form) drawn.push(asked.form.node);
    }

    function draw(state) {
        if (screen !== state.screen) {
            screen = state.screen;
            root.dataset.screen = screen;
            home.hidden = screen !== "home";
            stage.hidden = screen !== "thread";
            article.hidden = screen !== "article";
            nodes = new Map();
            shownThread = null;
            asked = null;
        }
        draw.again = () => draw(state);
        drawHead(state);
        if (screen === "home") drawHome(state);
        else if (screen === "thread") drawThread(state);
    }

    words();
    return {
        draw,
        composer,
        say,
        ask,
        call,
        toEnd,
        setTexts(next) {
            text = next.texts;
            locale = next.locale;
            nodes = new Map();
            asked = null;
            lines.setTexts(next);
            helped?.then((one) => one?.search());
            composer.setTexts(next);
            words();
        },
        announce(words) {
            alert.textContent = words;
        },
        refuse: (problems) => asked?.form?.refuse(problems),
        /** An article is drawn by whoever fetched it. */
        showArticle(...content) {
            article.replaceChildren(...content);
            article.scrollTop = 0;
        },
        focus() {
            if (screen === "home") return hero.lastChild.focus();
            if (screen === "article") return article.focus();
            if (asked?.form && !matchMedia("(pointer: coarse)").matches) return asked.form.focus();
            // On touch screens a focused field opens the keyboard over what should be read first.
            if (!asked && !matchMedia("(pointer: coarse)").matches) composer.focus();
            else title.focus();
        },
        /** The first or last thing a keyboard reaches, for a frame that must keep it. */
        edge(which) {
            const all = [...root.querySelectorAll(FOCUSABLE)].filter((one) => one.getClientRects().length);
            (which === "last" ? all.at(-1) : all[0])?.focus();
        },
    };
}

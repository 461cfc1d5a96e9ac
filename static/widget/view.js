// What the visitor sees. Draws from the model; decides nothing.

import { arrange, grow, h, icon } from "../js/chat/dom.js";
import { age, clock, day, fill, initials, linked, plural, sameDay, together } from "../js/chat/format.js";

const STATE_ICONS = { queued: "clock", sending: "clock", sent: "check", delivered: "check-check", read: "check-check" };

export function createView({ root, boot, actions }) {
    let text = boot.texts;
    let locale = boot.locale;
    let screen = "";
    let nodes = new Map();
    let shownThread = null;

    const back = h("button.head-button.head-back", { type: "button", onclick: actions.home }, icon("back"));
    const close = h("button.head-button", { type: "button", onclick: actions.close }, icon("close"));
    const faces = h("div.faces", { "aria-hidden": "true" });
    const title = h("h1.head-title", { tabindex: "-1" });
    const status = h("p.head-status", { "aria-live": "polite" });
    const head = h("header.head", {}, back, faces, h("div.head-words", {}, title, status), close);

    const hero = h("p.hero");
    const list = h("ul.threads");
    const start = h("button.start", { type: "button", onclick: actions.newThread }, icon("plus"), h("span"));
    const home = h("section.home", {}, hero, list, h("div.home-foot", {}, start));

    const notice = h("p.notice", { role: "status", hidden: true });
    const log = h("div.log", { role: "log", tabindex: "0", "aria-relevant": "additions" });
    const typing = h("p.typing", { role: "status" });
    const newer = h("button.newer", { type: "button", hidden: true, onclick: () => toEnd(true) }, icon("down"), h("span"));
    const field = h("textarea.field", { rows: "1", maxlength: "10000", enterkeyhint: "send", oninput: onInput, onkeydown: onKey });
    const send = h("button.send", { type: "submit" }, icon("send"));
    const composer = h("form.composer", { onsubmit: onSubmit }, field, send);
    const alert = h("p.visually-hidden", { role: "alert" });
    const thread = h("section.thread", {}, notice, h("div.log-frame", {}, log, newer), typing, composer, alert);

    root.replaceChildren(head, home, thread);
    // The keyboard of a phone, or a longer draft, takes room: who was at the end stays there.
    let stuck = true;
    log.addEventListener("scroll", () => {
        stuck = atEnd();
        if (stuck) newer.hidden = true;
    });
    new ResizeObserver(() => stuck && toEnd()).observe(log);
    root.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && !event.isComposing) actions.close();
    });

    function onInput() {
        grow(field, 128);
        send.disabled = !field.value.trim();
        actions.draft(field.value);
    }

    function onKey(event) {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) onSubmit(event);
    }

    function onSubmit(event) {
        event.preventDefault();
        const body = field.value.trim();
        if (!body) return;
        field.value = "";
        onInput();
        field.focus();
        actions.send(body);
        toEnd();
    }

    function atEnd() {
        return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
    }

    function toEnd(smooth = false) {
        const calm = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
        log.scrollTo({ top: log.scrollHeight, behavior: calm ? "instant" : "smooth" });
        newer.hidden = true;
    }

    function face(name) {
        return h("span.face", { title: name }, initials(name));
    }

    function words() {
        document.documentElement.lang = locale;
        document.title = text.title;
        back.setAttribute("aria-label", text.back);
        close.setAttribute("aria-label", text.close);
        send.setAttribute("aria-label", text.send);
        field.placeholder = text.placeholder;
        field.setAttribute("aria-label", text.placeholder);
        log.setAttribute("aria-label", text.log);
        start.lastChild.textContent = text.newThread;
        newer.lastChild.textContent = text.newer;
    }

    function drawHead(state) {
        const agent = state.agent;
        const team = boot.team ?? [];
        title.textContent = state.screen === "thread" && agent ? agent.name : boot.name;
        const said = state.online ? boot.replyTime || text.online : text.away;
        if (status.lastChild?.textContent !== said || status.childElementCount !== (state.online ? 2 : 1)) {
            // The dot is for eyes; the word for those who hear the page.
            status.replaceChildren(...(state.online ? [h("span.visually-hidden", {}, `${text.online}. `)] : []), h("span", {}, said));
        }
        head.toggleAttribute("data-online", state.online);
        const people = state.screen === "thread" && agent ? [agent.name] : team.slice(0, 3);
        arrange(faces, people.map(face));
        if (!people.length) faces.replaceChildren(boot.logo ? h("img.mark", { src: boot.logo, alt: "" }) : face(boot.name));
        back.hidden = state.screen === "home" || !state.canGoHome;
    }

    function drawHome(state) {
        hero.textContent = boot.greeting || text.greeting;
        arrange(
            list,
            state.recent.map((talk) => {
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

    function line(item, previous, next) {
        if (item.kind === "activity") {
            const words = activity(item);
            return words ? h("p.activity", {}, words) : null;
        }
        const first = !together(previous, item);
        const last = !together(item, next);
        const node = h("div.message", { "data-mine": item.mine, "data-first": first, "data-last": last, "data-state": item.state || null });
        if (!item.mine) node.append(last ? face(item.name || boot.name) : h("span.face-gap"));
        const bubble = h("div.bubble", {}, h("span.visually-hidden", {}, `${item.mine ? text.me : item.name || boot.name}: `), linked(item.body));
        const column = h("div.column", {}, first && !item.mine && item.name ? h("span.author", { "aria-hidden": "true" }, item.name) : null, bubble);
        if (item.state === "failed") {
            column.append(
                h("p.failed", {}, icon("alert"), h("span", {}, item.reason || text.failed),
                    h("button", { type: "button", onclick: () => actions.retry(item.key) }, text.retry),
                    h("button", { type: "button", onclick: () => actions.discard(item.key) }, text.discard)),
            );
        } else if (last) {
            column.append(h("p.stamp", {}, h("time", { datetime: new Date(item.at).toISOString() }, clock(item.at, locale)), item.mine ? [icon(STATE_ICONS[item.state]), h("span.state", {}, text[item.state])] : null));
        }
        node.append(column);
        return node;
    }

    function activity({ meta }) {
        if (meta?.action === "assigned" && meta.to) return fill(text.joined, { name: meta.to.name });
        if (meta?.action === "status" && meta.to === "resolved") return text.resolved;
        if (meta?.action === "status" && meta.from === "resolved") return text.reopened;
        return "";
    }

    // A line is drawn again only when something in it changed, so that selection and screen readers are left alone.
    function drawThread(state) {
        if (state.thread !== shownThread) {
            if (!state.moved) {
                log.replaceChildren();
                nodes = new Map();
                field.value = state.draft;
                onInput();
            }
            shownThread = state.thread;
        }
        const stick = atEnd() || !log.children.length;
        const before = nodes.size;
        const drawn = [];
        const intro = nodes.get("intro") ?? { node: h("div.intro", {}, h("div.intro-faces", {}, (boot.team?.length ? boot.team.slice(0, 3) : [boot.name]).map(face)), h("p.intro-greeting"), h("p.intro-reply")) };
        nodes.set("intro", intro);
        intro.node.children[1].textContent = boot.greeting || text.greeting;
        intro.node.children[2].textContent = state.online ? boot.replyTime || text.online : boot.offlineText || boot.replyTime || text.away;
        drawn.push(intro.node);
        if (state.loading) drawn.push(skeleton());
        const lines = state.lines.filter((item) => item.kind !== "activity" || activity(item));
        lines.forEach((item, index) => {
            const previous = lines[index - 1];
            const next = lines[index + 1];
            if (!previous || !sameDay(previous.at, item.at)) {
                const key = `day:${new Date(item.at).toDateString()}`;
                const mark = nodes.get(key) ?? { node: h("p.day") };
                mark.node.textContent = day(item.at, locale, text);
                nodes.set(key, mark);
                drawn.push(mark.node);
            }
            const shape = JSON.stringify([item, together(previous, item), together(item, next), locale]);
            let entry = nodes.get(item.key);
            if (entry?.shape !== shape) {
                const node = line(item, previous, next);
                if (entry) entry.node.replaceWith(node);
                entry = { node, shape };
                nodes.set(item.key, entry);
            }
            drawn.push(entry.node);
        });
        arrange(log, drawn);
        if (stick) toEnd();
        else if (nodes.size > before && !lines.at(-1)?.mine) newer.hidden = false;
        // What was there on opening is not news; what comes later is.
        log.setAttribute("aria-live", state.loading ? "off" : "polite");

        typing.replaceChildren(...(state.typing ? [h("span.dots", { "aria-hidden": "true" }, h("i"), h("i"), h("i")), h("span", {}, fill(text.typing, { name: state.typing }))] : []));
        notice.hidden = !state.trouble;
        notice.textContent = state.trouble ? text[state.trouble] : "";
    }

    function skeleton() {
        const known = nodes.get("skeleton") ?? { node: h("div.skeleton", { "aria-hidden": "true" }, h("i"), h("i"), h("i")) };
        nodes.set("skeleton", known);
        return known.node;
    }

    words();
    return {
        draw(state) {
            if (screen !== state.screen) {
                screen = state.screen;
                root.dataset.screen = screen;
                home.hidden = screen !== "home";
                thread.hidden = screen !== "thread";
                nodes = new Map();
                shownThread = null;
            }
            drawHead(state);
            if (screen === "home") drawHome(state);
            else drawThread(state);
        },
        setTexts(next) {
            text = next.texts;
            locale = next.locale;
            nodes = new Map();
            words();
        },
        announce(words) {
            alert.textContent = words;
        },
        focus() {
            // On touch screens a focused field opens the keyboard over what should be read first.
            if (screen === "thread" && !matchMedia("(pointer: coarse)").matches) field.focus();
            else title.focus();
        },
        toEnd,
    };
}

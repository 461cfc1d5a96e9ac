// The open thread: lines by the server's order, what still waits below them, and who else is here.

import { arrange } from "./dom.js";
import { clock, day, fill, initials, linked, sameDay, together } from "./format.js";
import { presence } from "./list.js";

const locale = document.documentElement.lang || "pt-br";
const MOST_LINES = 200;
const NEAR_END_PX = 96;
const TYPING_SHOWN_MS = 10_000;
const READ_AFTER_MS = 250;

function pattern(name) {
    return document.querySelector(`template[data-pattern="${name}"]`).content;
}

export function openThread({ article, words, me, retry, discard, read, stale }) {
    const log = article.querySelector("[data-log]");
    const newer = article.querySelector("[data-newer]");
    const typingLine = article.querySelector("[data-typing]");
    const conversation = article.dataset.conversation;
    const lines = new Map();
    let waiting = [];
    let older = log.querySelector(".chat-older");
    let news = log.querySelector(".chat-news");
    let newsKey = news?.nextElementSibling?.dataset.key ?? null;
    let seenByTeam = Number(article.dataset.seen);
    let marks = { read: Number(article.dataset.contactSeen), delivered: Number(article.dataset.contactDelivered) };
    let closed = false;
    let typers = new Map();

    for (const node of log.querySelectorAll("[data-line]")) adopt(node);

    function adopt(node) {
        const { key, seq, kind, author, at } = node.dataset;
        lines.set(key, { key, seq: Number(seq), kind, author: author ?? kind, at, private: node.dataset.private === "true", state: node.dataset.state ?? "", node });
    }

    // --- Lines --------------------------------------------------------------------------------------

    function piece(node, name) {
        return node.querySelector(`[data-part="${name}"]`);
    }

    function make({ key, kind, author, name, body, at, hidden, mine }) {
        const shape = kind === "in" ? "incoming" : hidden ? "note" : "message";
        const node = pattern(shape).querySelector("[data-line]").cloneNode(true);
        Object.assign(node.dataset, { key, kind, author, at, private: hidden, mine });
        piece(node, "name").textContent = name;
        piece(node, "text").replaceChildren(linked(body));
        time(node, at);
        if (kind === "in") {
            const face = article.querySelector(".chat-head .avatar").cloneNode(true);
            face.querySelector(".dot")?.remove();
            node.querySelector(".chat-face").replaceChildren(face);
        }
        return node;
    }

    function makeActivity({ key, text, at }) {
        const node = pattern("activity").querySelector("[data-line]").cloneNode(true);
        Object.assign(node.dataset, { key, at });
        piece(node, "text").textContent = text;
        time(node, at);
        return node;
    }

    function time(node, at) {
        const stamp = piece(node, "time");
        stamp.dateTime = new Date(at).toISOString();
        stamp.textContent = clock(at, locale);
    }

    function tick(line, state) {
        line.state = state;
        line.node.dataset.state = state;
        let mark = piece(line.node, "tick");
        if (!mark) {
            mark = document.createElement("span");
            mark.className = "chat-tick";
            mark.dataset.part = "tick";
            piece(line.node, "time").after(mark);
        }
        mark.replaceChildren(pattern(`tick-${state}`).cloneNode(true));
    }

    function activityText({ meta, author }) {
        const said = words.activity;
        const by = author?.name ?? "";
        if (meta.action === "assigned") {
            if (!meta.to) return fill(said.unassigned, { by });
            return meta.to.name === by || !by ? fill(said.assigned, { name: meta.to.name }) : fill(said.given, { by, name: meta.to.name });
        }
        if (meta.action === "status" && meta.by_contact) return said.ended;
        if (meta.action === "status") return by ? fill(said[meta.to], { by }) : said.reopened;
        if (meta.action === "priority") return fill(said.priority, { by, priority: words.priorities[meta.to] });
        return "";
    }

    function put(message, seq) {
        const key = message.client_id || message.id;
        const hidden = message.private === true;
        const known = lines.get(key);
        if (known && known.seq === seq) return known;
        if (message.direction === "activity") {
            const text = activityText(message);
            if (!text) return null;
            lines.set(key, { key, seq, kind: "activity", author: "activity", at: message.created_at, private: false, state: "", node: makeActivity({ key, text, at: message.created_at }) });
            return lines.get(key);
        }
        const author = message.author?.id ?? message.direction;
        const line = known ?? { key, node: make({ key, kind: message.direction, author, name: message.author?.name || (message.direction === "in" ? words.visitor : ""), body: message.body, at: message.created_at, hidden, mine: author === me.id }) };
        Object.assign(line, { seq, kind: message.direction, author, at: message.created_at, private: hidden, state: "" });
        line.node.dataset.seq = seq;
        line.node.querySelector(".chat-failed")?.remove();
        lines.set(key, line);
        if (message.direction === "out" && !hidden) tick(line, far(seq));
        else piece(line.node, "tick")?.replaceChildren();
        if (known) delete line.node.dataset.state;
        if (message.direction === "out" && !hidden) line.node.dataset.state = line.state;
        return line;
    }

    function far(seq) {
        return seq <= marks.read ? "read" : seq <= marks.delivered ? "delivered" : "sent";
    }

    /** Lines that wait here stand below everything the server numbered. */
    function setWaiting(items) {
        waiting = items.filter((item) => item.thread === conversation);
        const keys = new Set(waiting.map((item) => item.client_id));
        for (const [key, line] of lines) if (line.seq === Infinity && !keys.has(key)) lines.delete(key);
        for (const item of waiting) {
            let line = lines.get(item.client_id);
            if (line && line.seq !== Infinity) continue;
            if (!line) {
                const at = new Date(item.at).toISOString();
                line = { key: item.client_id, seq: Infinity, kind: "out", author: me.id, at, private: item.private === true, state: "", node: make({ key: item.client_id, kind: "out", author: me.id, name: me.name, body: item.body, at, hidden: item.private === true, mine: true }) };
                lines.set(item.client_id, line);
            }
            if (line.state !== item.state) tick(line, item.state);
            fail(line, item);
        }
        draw();
    }

    function fail(line, item) {
        line.node.querySelector(".chat-failed")?.remove();
        if (item.state !== "failed") return;
        const node = pattern("failed").firstElementChild.cloneNode(true);
        piece(node, "reason").textContent = item.reason || words.states.failed;
        node.querySelector("[data-retry]").addEventListener("click", () => retry(item.client_id));
        node.querySelector("[data-discard]").addEventListener("click", () => discard(item.client_id));
        line.node.querySelector(".chat-column").append(node);
    }

    function draw() {
        const stick = atEnd();
        const order = waiting.map((item) => item.client_id);
        const sorted = [...lines.values()].sort((a, b) => (a.seq === b.seq ? order.indexOf(a.key) - order.indexOf(b.key) : a.seq - b.seq));
        // A long day's thread stays light: far above the end, lines leave the page and can be loaded again.
        if (stick && sorted.length > MOST_LINES) {
            for (const line of sorted.splice(0, sorted.length - MOST_LINES)) lines.delete(line.key);
            older ??= pattern("older").firstElementChild.cloneNode(true);
        }
        const nodes = older ? [older] : [];
        sorted.forEach((line, index) => {
            const before = sorted[index - 1];
            const after = sorted[index + 1];
            if (!before || !sameDay(before.at, line.at)) nodes.push(dayMark(line.at));
            if (line.key === newsKey && news) nodes.push(news);
            line.node.dataset.first = !joined(before, line);
            line.node.dataset.last = !joined(line, after);
            nodes.push(line.node);
        });
        arrange(log, nodes);
        if (stick) toEnd();
    }

    function joined(a, b) {
        return together(a, b) && a.kind === b.kind && a.state !== "failed";
    }

    const days = new Map();

    function dayMark(at) {
        const key = new Date(at).toDateString();
        if (!days.has(key)) days.set(key, pattern("day").firstElementChild.cloneNode(true));
        days.get(key).firstElementChild.textContent = day(at, locale, words);
        return days.get(key);
    }

    // --- Scrolling ----------------------------------------------------------------------------------

    function atEnd() {
        return log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;
    }

    function toEnd(smooth = false) {
        const calm = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
        log.scrollTo({ top: log.scrollHeight, behavior: calm ? "instant" : "smooth" });
        newer.hidden = true;
    }

    // The keyboard of a phone, or a longer draft, takes room: who was at the end stays there.
    let stuck = true;
    const frame = new ResizeObserver(() => stuck && toEnd());
    frame.observe(log);

    let loadingOlder = false;

    async function loadOlder() {
        if (loadingOlder || !older) return;
        loadingOlder = true;
        const first = Math.min(...[...lines.values()].map((line) => line.seq));
        try {
            const response = await fetch(`/chat/c/${article.dataset.number}/older?before=${first}`, { credentials: "same-origin" });
            if (!response.ok || response.redirected || closed) return;
            const fresh = document.createElement("template");
            fresh.innerHTML = await response.text();
            const below = log.scrollHeight - log.scrollTop;
            older = fresh.content.querySelector(".chat-older");
            for (const node of fresh.content.querySelectorAll("[data-line]")) if (!lines.has(node.dataset.key)) adopt(node);
            draw();
            log.scrollTop = log.scrollHeight - below;
        } finally {
            loadingOlder = false;
        }
    }

    const onScroll = () => {
        stuck = atEnd();
        if (stuck) newer.hidden = true;
        if (log.scrollTop < 200) loadOlder();
    };
    log.addEventListener("scroll", onScroll, { passive: true });
    log.addEventListener("click", (event) => {
        if (!event.target.closest("[data-older]")) return;
        event.preventDefault();
        loadOlder();
    });
    newer.addEventListener("click", () => {
        toEnd(true);
        log.focus({ preventScroll: true });
    });

    // --- Events -------------------------------------------------------------------------------------

    function apply({ seq, event, data }) {
        if (event === "message.created" && data?.id) {
            const wasAtEnd = atEnd();
            if (data.direction === "in") {
                marks = { read: Math.max(marks.read, seq), delivered: Math.max(marks.delivered, seq) };
                ticks();
                typing({ conversation, on: false, by: data.author });
            }
            const line = put(data, seq);
            draw();
            if (line && data.direction === "in" && !wasAtEnd) newer.hidden = false;
            if (data.direction === "in") seen();
        } else if (event === "message.delivery" && data.by === "contact") {
            marks[data.mark] = Math.max(marks[data.mark], data.seq);
            if (data.mark === "read") marks.delivered = Math.max(marks.delivered, data.seq);
            ticks();
        } else if (event.startsWith("conversation.")) {
            if (data.message) put(data.message, seq);
            draw();
            stale();
        }
    }

    function ticks() {
        for (const line of lines.values()) {
            if (line.kind !== "out" || line.private || line.seq === Infinity) continue;
            const state = far(line.seq);
            if (line.state !== state) tick(line, state);
        }
    }

    let reading = 0;

    /** Say what was read once it can be seen; a tab in the background reads nothing. */
    function seen() {
        clearTimeout(reading);
        reading = setTimeout(() => {
            if (closed || document.visibilityState !== "visible") return;
            const last = Math.max(0, ...[...lines.values()].filter((line) => line.kind === "in").map((line) => line.seq));
            if (last > seenByTeam && read(last)) seenByTeam = last;
        }, READ_AFTER_MS);
    }

    function typing({ conversation: where, on, by }) {
        if (where !== conversation) return;
        clearTimeout(typers.get(by?.id)?.timer);
        if (!on) typers.delete(by?.id);
        else {
            const timer = setTimeout(() => typing({ conversation, on: false, by }), TYPING_SHOWN_MS);
            typers.set(by.id, { name: by.name || article.dataset.name, timer });
        }
        const names = [...typers.values()].map((typer) => typer.name);
        typingLine.replaceChildren();
        if (names.length) typingLine.append(pattern("dots").firstElementChild.cloneNode(true), fill(names.length > 1 ? words.typingMany : words.typing, { name: names[0], names: names.join(", ") }));
    }

    // On opening: at the first line that is new, else at the end.
    log.setAttribute("aria-live", "off");
    if (news) {
        news.scrollIntoView({ block: "center" });
        stuck = atEnd();
    } else toEnd();
    requestAnimationFrame(() => {
        if (!news) toEnd();
        log.setAttribute("aria-live", "polite");
    });

    return {
        article,
        conversation,
        seq: Number(article.dataset.seq),
        apply,
        setWaiting,
        seen,
        typing,
        toEnd,
        /** The server has it; its event may come before or after this answer. */
        confirmed(item, { id, seq, created_at: at }) {
            if (news) {
                news = null;
                newsKey = null;
            }
            put({ id, client_id: item.client_id, direction: "out", private: item.private === true, body: item.body, author: { id: me.id, name: me.name }, created_at: at ?? new Date().toISOString() }, seq);
            draw();
        },
        viewers(users) {
            const box = article.querySelector("[data-viewers]");
            box.replaceChildren(
                ...users.slice(0, 3).map((user) => {
                    const face = document.createElement("span");
                    face.className = "avatar avatar-small";
                    face.setAttribute("role", "img");
                    face.setAttribute("aria-label", fill(words.alsoHere, { names: user.name }));
                    face.dataset.tip = fill(words.alsoHere, { names: user.name });
                    face.textContent = initials(user.name);
                    return face;
                }),
            );
        },
        visitor({ contact, online, page }) {
            if (contact !== article.dataset.contact) return;
            presence(article.querySelector(".chat-head > .avatar"), online);
            const panel = article.parentElement.querySelector("[data-context]");
            const line = panel?.querySelector("[data-presence]");
            if (line && online) {
                const dot = document.createElement("span");
                dot.className = "dot dot-green";
                line.replaceChildren(dot, ` ${line.dataset.here}`);
            } else if (line && !online) stale();
            const where = panel?.querySelector("[data-page]");
            if (where && page?.url && /^https?:/i.test(page.url)) {
                const link = document.createElement("a");
                Object.assign(link, { href: page.url, target: "_blank", rel: "noopener noreferrer nofollow", textContent: page.title || page.url });
                where.replaceChildren(link);
            }
        },
        close() {
            closed = true;
            clearTimeout(reading);
            for (const { timer } of typers.values()) clearTimeout(timer);
            frame.disconnect();
            log.removeEventListener("scroll", onScroll);
        },
    };
}

// The open thread: lines by the server's order, what still waits below them, and what happens to them.

import { h } from "./dom.js";
import { day, dayNumber, fill, inWords, personName } from "./format.js";
import { openHere } from "./here.js";
import { openHistory } from "./history.js";
import { openLines } from "./lines.js";
import { activityText } from "./sentences.js";
import { openTyping } from "./typing.js";
import { openWindow } from "./window.js";

const locale = document.documentElement.lang || "pt-br";
const TOGETHER_MS = 300_000;
const READ_AFTER_MS = 250;
const REDRAW_AFTER_MS = 60;

export function openThread({ article, words, me, retry, discard, read, stale, announce, arrived }) {
    const log = article.querySelector("[data-log]");
    const newer = article.querySelector("[data-newer]");
    const conversation = article.dataset.conversation;
    const draw = openLines({ article, words, me, retry: (item) => retry(item.client_id), discard: (item) => discard(item.client_id) });
    const typing = openTyping({ article, words });
    const lines = new Map();
    const days = new Map();
    const wanting = new Set();
    let waiting = [];
    let older = log.querySelector(".chat-older");
    let news = log.querySelector(".chat-news");
    let newsKey = news?.dataset.before ?? null;
    let seenByTeam = Number(article.dataset.seen);
    let marks = { read: Number(article.dataset.contactSeen), delivered: Number(article.dataset.contactDelivered) };
    let closed = false;
    let drawing = 0;

    for (const node of log.querySelectorAll("[data-line]")) take(node);
    let history = null;
    const view = openWindow(log, {
        moved({ atEnd, nearTop }) {
            if (atEnd) newer.hidden = true;
            if (nearTop) history?.load();
        },
    });

    function take(node) {
        const line = draw.adopt(node);
        const known = lines.get(line.key);
        lines.set(line.key, known ? Object.assign(known, line) : line);
    }

    // --- Lines --------------------------------------------------------------------------------------

    function quoted(id) {
        const line = id && [...lines.values()].find((one) => one.id === id);
        if (!id) return null;
        return line ? { id, name: line.mine ? words.you : line.name || words.visitor, text: draw.text(line).slice(0, 140) } : { id, name: words.earlier, text: "" };
    }

    /** What only the server draws: files, cards, formatted text. */
    const isRich = (message) => !message.deleted_at && (message.attachments?.length > 0 || message.body_html || !["text", undefined].includes(message.kind));

    function put(message, seq) {
        const key = message.client_id || message.id;
        const known = lines.get(key);
        if (known && known.seq === seq && !message.edited_at && !message.deleted_at) return known;
        if (message.direction === "activity") {
            const text = activityText(message, words);
            if (!text) return null;
            lines.set(key, draw.activity({ key, id: message.id, seq, text, at: message.created_at }));
            return lines.get(key);
        }
        const author = message.author?.id ?? message.direction;
        const mine = author === me.id;
        const fields = { key, id: message.id, seq, kind: message.direction, author, mine, name: message.direction === "in" ? personName(message.author, words) : message.author?.name ?? "", at: message.created_at, private: message.private === true };
        let line = known;
        if (!known || message.edited_at || message.deleted_at) {
            line = draw.make({ ...fields, body: message.body, quote: quoted(message.reply_to), gone: Boolean(message.deleted_at), edited: Boolean(message.edited_at) });
        } else {
            Object.assign(line, fields);
            draw.label(line);
            draw.setFailed(line, null);
        }
        lines.set(key, line);
        draw.setState(line, message.direction === "out" && !line.private && !line.gone ? far(seq, message.delivery) : "");
        if (isRich(message)) redraw(seq);
        return line;
    }

    function far(seq, delivery) {
        if (delivery === "failed" || delivery === "unconfirmed" || delivery === "pending") return delivery;
        return seq <= marks.read ? "read" : seq <= marks.delivered ? "delivered" : "sent";
    }

    function redraw(seq) {
        wanting.add(seq);
        clearTimeout(drawing);
        drawing = setTimeout(async () => {
            const asked = [...wanting].slice(0, 60);
            for (const one of asked) wanting.delete(one);
            try {
                const fresh = await part(`lines?seq=${asked.join(",")}`);
                for (const node of fresh.content.querySelectorAll("[data-line]")) take(node);
                show();
            } catch {
                // The words stand already; opening the conversation again brings the rest.
            }
        }, REDRAW_AFTER_MS);
    }

    async function part(path) {
        const response = await fetch(`/chat/c/${article.dataset.number}/${path}`, { credentials: "same-origin" });
        if (!response.ok || response.redirected) throw new Error(response.statusText);
        const fresh = document.createElement("template");
        fresh.innerHTML = await response.text();
        return fresh;
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
                line = draw.make({ key: item.client_id, seq: Infinity, kind: "out", author: me.id, mine: true, name: me.name, body: item.body, files: item.files, at: new Date(item.at).toISOString(), private: item.private === true, quote: quoted(item.reply_to) });
                lines.set(item.client_id, line);
            }
            draw.setState(line, item.state);
            draw.setFailed(line, item);
        }
        show();
    }

    function sorted() {
        const order = waiting.map((item) => item.client_id);
        return [...lines.values()].sort((a, b) => (a.seq === b.seq ? order.indexOf(a.key) - order.indexOf(b.key) : a.seq - b.seq));
    }

    const dayOf = (line) => (line.day ??= dayNumber(line.at));

    /** Five minutes of the same author stay together. */
    function joined(a, b) {
        if (!a || !b || a.author !== b.author || a.kind !== b.kind || a.private !== b.private || a.state === "failed") return false;
        return dayOf(a) === dayOf(b) && Date.parse(b.at) - Date.parse(a.at) < TOGETHER_MS;
    }

    function show() {
        if (closed) return;
        const all = sorted();
        const nodes = older ? [older] : [];
        all.forEach((line, index) => {
            const before = all[index - 1];
            if (!before || dayOf(before) !== dayOf(line)) nodes.push(dayMark(line));
            if (line.key === newsKey && news) nodes.push(news);
            draw.dress(line, { first: !joined(before, line), last: !joined(line, all[index + 1]) });
            nodes.push(line.node);
        });
        view.show(nodes);
    }

    function dayMark(line) {
        const key = dayOf(line);
        if (!days.has(key)) days.set(key, h("p.chat-day", {}));
        days.get(key).textContent = day(line.at, locale, words);
        return days.get(key);
    }

    // --- Older and newer ----------------------------------------------------------------------------

    history = openHistory({
        log,
        view,
        find: (id) => [...lines.values()].find((line) => line.id === id),
        older: () => older,
        async load() {
            const first = Math.min(...[...lines.values()].map((line) => line.seq));
            const fresh = await part(`older?before=${first}`);
            if (closed) return;
            older = fresh.content.querySelector(".chat-older");
            for (const node of fresh.content.querySelectorAll("[data-line]")) if (!lines.has(node.dataset.key)) take(node);
            show();
        },
    });
    const onNewer = () => {
        newer.hidden = true;
        view.toEnd({ smooth: true });
        log.focus({ preventScroll: true });
    };
    newer.addEventListener("click", onNewer);

    // --- Events -------------------------------------------------------------------------------------

    function apply({ seq, event, data }) {
        if (event === "message.created" && data?.id) {
            const wasAtEnd = view.atEnd;
            if (data.direction === "in") {
                marks = { read: Math.max(marks.read, seq), delivered: Math.max(marks.delivered, seq) };
                ticks();
                typing.heard({ on: false, by: data.author });
                announce?.(fill(words.arrivedText, { name: personName(data.author, words), text: inWords(data, words) }));
            }
            const line = put(data, seq);
            show();
            if (line && data.direction !== "activity" && line.author !== me.id && !wasAtEnd) newer.hidden = false;
            if (data.direction === "in") {
                seen();
                arrived?.(data);
            }
        } else if (event === "message.updated" || event === "message.deleted") {
            if (data?.id) put(data, data.seq);
            // The words are known; a file was checked and can be opened now.
            if (event === "message.updated" && data?.id && isRich(data)) redraw(data.seq);
            show();
        } else if (event === "message.delivery") {
            if (data.message_id) {
                // One message, as its provider tells it; a refusal brings words only the server has.
                const one = [...lines.values()].find((line) => line.id === data.message_id);
                if (one) redraw(one.seq);
            } else if (data.by === "contact") {
                marks[data.mark] = Math.max(marks[data.mark] ?? 0, data.seq);
                if (data.mark === "read") marks.delivered = Math.max(marks.delivered, data.seq);
                ticks();
            }
        } else if (event.includes(".")) {
            if (data?.message?.id) put(data.message, seq);
            show();
            stale();
        }
    }

    function ticks() {
        for (const line of lines.values()) {
            if (line.kind !== "out" || line.private || line.gone || line.seq === Infinity || ["failed", "unconfirmed", "pending"].includes(line.state)) continue;
            draw.setState(line, far(line.seq));
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

    show();
    if (news) {
        view.toNode(news);
        newer.hidden = view.atEnd;
    } else view.toEnd();

    return {
        article,
        conversation,
        log,
        seq: Number(article.dataset.seq),
        apply,
        setWaiting,
        seen,
        goTo: history.goTo,
        typing: typing.heard,
        ...openHere({ article, words, stale }),
        toEnd: () => view.toEnd(),
        neighbour: view.neighbour,
        lineOf: (node) => lines.get(node?.closest?.("[data-line]")?.dataset.key),
        textOf: draw.text,
        last: (test) => sorted().reverse().find((line) => line.kind !== "activity" && !line.gone && test(line)),
        redraw,
        /** Do not take reading for read: somebody marked it as unread. */
        unread(seq) {
            clearTimeout(reading);
            seenByTeam = seq ?? seenByTeam;
        },
        /** The server has it; its event may come before or after this answer. */
        confirmed(item, { id, seq, created_at: at }) {
            if (news) newsKey = news = null;
            put({ id, client_id: item.client_id, direction: "out", private: item.private === true, body: item.body, author: { id: me.id, name: me.name }, reply_to: item.reply_to, attachments: item.files, created_at: at ?? new Date().toISOString() }, seq);
            show();
        },
        close() {
            closed = true;
            clearTimeout(reading);
            clearTimeout(drawing);
            typing.close();
            view.close();
            history.close();
            newer.removeEventListener("click", onNewer);
        },
    };
}

// One line of the thread as nodes, lean enough that a window of two hundred shows a whole screen.
//
// The same markup as chat/views/drawing.py: the server draws what it sends, this draws what arrives live or waits to
// be sent. What only the server can draw (cards, files, formatted text) is asked for by `rich`.

import { h } from "./dom.js";
import { clock, fill, linked } from "./format.js";

const locale = document.documentElement.lang || "pt-br";

export function openLines({ article, words, me, retry, discard }) {
    const piece = (node, name) => node.querySelector(`:scope > [data-part="${name}"]`);

    /** A line the server drew. */
    function adopt(node) {
        const { key, id, seq, kind, author, name, at, state, shape } = node.dataset;
        return {
            key,
            id,
            seq: Number(seq),
            kind,
            author: author ?? kind,
            name: name ?? "",
            at,
            private: node.dataset.private === "true",
            mine: node.dataset.mine === "true",
            state: state ?? "",
            shape: shape ?? "text",
            gone: "gone" in node.dataset,
            node,
        };
    }

    /** A line from its parts: a message of the wire, or one that waits here. */
    function make({ key, id, seq, kind, author, name, body, at, private: hidden, mine, quote, files = [], gone = false, edited = false }) {
        const node = h("div.chat-message", { "data-line": "", "data-key": key, "data-kind": kind, "data-private": hidden, "data-mine": mine, tabindex: -1, role: "article" });
        const line = { key, id, seq, kind, author, name, at, private: hidden, mine, state: "", shape: "text", gone, node };
        if (quote) node.append(h("a.chat-quote", { href: `#${quote.id}`, "data-quoted": quote.id, "data-part": "quote" }, h("strong", {}, quote.name), ` ${quote.text}`));
        if (body || gone || !files.length) node.append(h("div.chat-bubble", { "data-part": "text", dir: "auto" }, gone ? words.gone : linked(body)));
        if (files.length) node.append(...files.map((file) => h("p.chat-file-waits", { "data-part": "file" }, file.name)));
        if (edited) node.dataset.edited = "";
        if (gone) node.dataset.gone = "";
        label(line);
        return line;
    }

    function activity({ key, id, seq, text, at }) {
        const node = h("p.chat-activity", { "data-line": "", "data-key": key, "data-seq": seq, "data-kind": "activity" }, `${text} `, h("time", { datetime: at }, clock(at, locale)));
        return { key, id, seq, kind: "activity", author: "activity", name: "", at, private: false, mine: false, state: "", shape: "activity", node };
    }

    function label(line) {
        const { node } = line;
        node.setAttribute("aria-label", fill(line.private ? words.noteLabel : words.lineLabel, { name: line.name || words.visitor, time: clock(line.at, locale) }));
        Object.assign(node.dataset, { author: line.author, at: line.at, name: line.name });
        if (line.id) node.dataset.id = line.id;
        if (Number.isFinite(line.seq)) node.dataset.seq = line.seq;
    }

    /** Who speaks stands above the first line of a group, the hour below the last one; others carry only their words. */
    function dress(line, { first, last }) {
        if (line.kind === "activity") return;
        const { node } = line;
        // Most lines stay as they are when others come; a place at the end of a group is all that can change.
        const place = `${first}${last}${line.state}`;
        if (line.place === place && line.placed === node) return;
        Object.assign(line, { place, placed: node });
        node.dataset.first = first;
        node.dataset.last = last;
        want(line, "author", first && (line.private || line.kind === "bot" || (line.kind === "out" && !line.mine)), () => h("p.chat-author", { "data-part": "author" }, line.private ? fill(words.noteBy, { name: line.name || words.automatic }) : line.name || words.automatic), (made) => node.prepend(made));
        want(line, "face", last && line.kind === "in", face, (made) => node.prepend(made));
        const stamp = want(line, "stamp", last || line.state === "failed" || "edited" in node.dataset, () => h("p.chat-stamp", { "data-part": "stamp" }), (made) => node.append(made));
        if (stamp) write(stamp, line);
    }

    function want(line, name, wanted, build, place) {
        let part = piece(line.node, name);
        if (wanted && !part) {
            part = build(line);
            if (part) place(part);
        } else if (!wanted && part) {
            part.remove();
            part = null;
        }
        return part;
    }

    function face() {
        const made = article.querySelector(".chat-head .avatar")?.cloneNode(true);
        if (!made) return null;
        made.querySelector(".dot")?.remove();
        made.classList.add("chat-face");
        made.dataset.part = "face";
        made.textContent = made.textContent.trim();
        made.setAttribute("aria-hidden", "true");
        return made;
    }

    function write(stamp, line) {
        const said = ["edited" in line.node.dataset ? `${words.edited} · ` : "", clock(line.at, locale)].join("");
        if (stamp.firstChild?.nodeValue !== said) stamp.firstChild ? stamp.replaceChildren(said) : stamp.append(said);
        let tick = stamp.querySelector(".chat-tick");
        if (!line.state || line.state === "failed") {
            tick?.remove();
            return;
        }
        if (!tick) stamp.append((tick = h("span.chat-tick", { role: "img" })));
        tick.dataset.tick = line.state;
        tick.setAttribute("aria-label", words.states[line.state]);
        tick.dataset.tip = words.states[line.state];
    }

    function setState(line, state) {
        if (line.state === state) return;
        line.state = state;
        if (state) line.node.dataset.state = state;
        else delete line.node.dataset.state;
        const stamp = piece(line.node, "stamp");
        if (stamp) write(stamp, line);
    }

    /** Refused for good: the reason, and what can be done. */
    function setFailed(line, item) {
        piece(line.node, "failed")?.remove();
        if (item?.state !== "failed") return;
        line.node.append(
            h(
                "p.chat-failed",
                { "data-part": "failed", role: "alert" },
                `${item.reason || words.states.failed} `,
                h("button.button.button-link", { type: "button", "data-retry": "", onclick: () => retry(item) }, words.retry),
                h("button.button.button-link", { type: "button", "data-discard": "", onclick: () => discard(item) }, words.discard),
            ),
        );
    }

    return { adopt, make, activity, dress, label, setState, setFailed, me, text: (line) => piece(line.node, "text")?.innerText ?? "" };
}

// Who writes right now: a line below the thread, and, where the inbox allows it, what the visitor has typed so far.

import { fill } from "./format.js";
import { h } from "./dom.js";

const SHOWN_MS = 10_000;

export function openTyping({ article, words }) {
    const line = article.querySelector("[data-typing]");
    const preview = article.querySelector("[data-preview-line]");
    const hint = article.querySelector("[data-collision]");
    const typers = new Map();

    function draw() {
        const visitors = [...typers.values()].filter((typer) => typer.kind !== "agent");
        const agents = [...typers.values()].filter((typer) => typer.kind === "agent");
        const said = visitors[0]?.preview ?? "";
        const names = (said ? agents : [...typers.values()]).map((typer) => typer.name);
        line.replaceChildren();
        if (names.length) {
            const dots = h("span.chat-dots", { "aria-hidden": "true" }, h("i"), h("i"), h("i"));
            line.append(dots, fill(names.length > 1 ? words.typingMany : words.typing, { name: names[0], names: names.join(", ") }));
        }
        if (preview) {
            preview.hidden = !said;
            preview.lastElementChild.textContent = said;
        }
        if (hint) {
            // Two answers to one question are the worst of both: say it where the second one is written.
            hint.hidden = !agents.length;
            hint.lastElementChild.textContent = agents.length ? fill(words.collision, { name: agents[0].name }) : "";
        }
    }

    function heard({ on, by, preview: text }) {
        const key = by?.id ?? "visitor";
        clearTimeout(typers.get(key)?.timer);
        if (!on) typers.delete(key);
        else {
            const timer = setTimeout(() => heard({ on: false, by }), SHOWN_MS);
            typers.set(key, { name: by?.name || article.dataset.name, kind: by?.kind, preview: text ?? typers.get(key)?.preview ?? "", timer });
        }
        draw();
    }

    return {
        heard,
        close() {
            for (const { timer } of typers.values()) clearTimeout(timer);
        },
    };
}

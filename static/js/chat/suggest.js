// Suggestions while writing: a list above the field that follows what stands before the caret.
//
// A source is {match, when, find, insert}: `match` finds its trigger before the caret, `find(query, signal)` answers
// items {id, title, hint}, `insert(item)` gives the text that takes the trigger's place (or nothing, when it acted itself).

import { h } from "./dom.js";

const WAIT_MS = 120;

export function openSuggest({ field, box, sources }) {
    let items = [];
    let at = 0;
    let source = null;
    let span = [0, 0];
    let asked = null;
    let timer = 0;

    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", box.id);

    const open = () => !box.hidden;

    function close() {
        clearTimeout(timer);
        asked?.abort();
        items = [];
        box.hidden = true;
        box.replaceChildren();
        field.removeAttribute("aria-activedescendant");
    }

    function select(next) {
        at = (next + items.length) % items.length;
        [...box.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === at)));
        field.setAttribute("aria-activedescendant", box.children[at].id);
        box.children[at].scrollIntoView({ block: "nearest" });
    }

    function draw() {
        box.replaceChildren(
            ...items.map((item, index) =>
                h(
                    "li.chat-suggestion",
                    { role: "option", id: `${box.id}-${index}`, "aria-selected": "false", onpointerdown: (event) => event.preventDefault(), onclick: () => choose(index) },
                    item.face ?? null,
                    h("strong", {}, item.title),
                    h("span.truncate", {}, item.hint ?? ""),
                ),
            ),
        );
        box.hidden = !items.length;
        if (items.length) select(0);
        else field.removeAttribute("aria-activedescendant");
    }

    async function choose(index) {
        const item = items[index];
        const chosen = source;
        const [from, to] = span;
        close();
        const text = await chosen.insert(item);
        field.focus();
        if (typeof text !== "string") return;
        field.setRangeText(text, from, to, "end");
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    function look() {
        const before = field.value.slice(0, field.selectionStart);
        for (const one of sources) {
            const found = one.when() && one.match.exec(before);
            if (!found) continue;
            source = one;
            span = [before.length - found[0].trimStart().length, before.length];
            clearTimeout(timer);
            timer = setTimeout(() => ask(one, found[1]), WAIT_MS);
            return;
        }
        close();
    }

    async function ask(one, query) {
        asked?.abort();
        const mine = (asked = new AbortController());
        try {
            const found = await one.find(query, mine.signal);
            if (mine.signal.aborted || source !== one) return;
            items = found.slice(0, 8);
            draw();
        } catch {
            if (!mine.signal.aborted) close();
        }
    }

    /** True when the key was ours. */
    function key(event) {
        if (!open()) return false;
        if (event.key === "ArrowDown") select(at + 1);
        else if (event.key === "ArrowUp") select(at - 1);
        else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") choose(at);
        else if (event.key === "Escape") close();
        else return false;
        event.preventDefault();
        event.stopPropagation();
        return true;
    }

    field.addEventListener("input", look);
    field.addEventListener("blur", () => setTimeout(() => document.activeElement !== field && close(), 150));
    return { key, close };
}

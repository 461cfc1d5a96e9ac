// Search everywhere: Ctrl or Cmd and K. Pages are in the dialog already; people and things come from the server.

import { debounce, element, isMac, on, plain, request } from "./dom.js";
import { closeDialog, openDialog } from "./dialog.js";

const palette = document.getElementById("palette");

function start() {
    const input = palette.querySelector("input");
    const list = palette.querySelector('[role="listbox"]');
    const none = palette.querySelector(".palette-none");
    const status = palette.querySelector("[data-palette-count]");
    const pages = [...list.children];
    let found = [];
    let asked = null;

    const options = () => [...list.querySelectorAll('li:not([hidden]) > [role="option"]')];

    function select(option) {
        for (const other of list.querySelectorAll('[role="option"]')) other.setAttribute("aria-selected", String(other === option));
        if (option) {
            input.setAttribute("aria-activedescendant", option.id);
            option.scrollIntoView({ block: "nearest" });
        } else input.removeAttribute("aria-activedescendant");
    }

    function show() {
        const shown = options();
        none.hidden = shown.length > 0;
        status.textContent = input.value ? (shown.length === 1 ? status.dataset.one : status.dataset.many.replace("%n", shown.length)) : "";
        select(shown[0] || null);
    }

    function filter() {
        const words = plain(input.value).split(/\s+/).filter(Boolean);
        for (const row of pages) {
            const text = plain(row.textContent);
            row.hidden = !words.every((word) => text.includes(word));
        }
        show();
    }

    const ask = debounce(async () => {
        asked?.abort();
        const text = input.value.trim();
        found.forEach((row) => row.remove());
        found = [];
        if (!palette.dataset.searchUrl || text.length < 2) return show();
        asked = new AbortController();
        try {
            const answer = await request(`${palette.dataset.searchUrl}?q=${encodeURIComponent(text)}`, { signal: asked.signal });
            found = answer.results.map((one, n) =>
                element(
                    "li",
                    { class: "palette-row", role: "presentation" },
                    element(
                        "a",
                        { class: "palette-item", role: "option", id: `palette-found-${n}`, "aria-selected": "false", tabindex: "-1", href: one.url },
                        element("span", { class: "truncate" }, one.label),
                        element("span", { class: "palette-kind" }, one.hint || one.kind || ""),
                    ),
                ),
            );
            list.append(...found);
        } catch (error) {
            if (error.name === "AbortError") return;
        }
        show();
    }, 150);

    input.addEventListener("input", () => {
        filter();
        ask();
    });
    input.addEventListener("keydown", (event) => {
        const shown = options();
        const at = shown.findIndex((option) => option.getAttribute("aria-selected") === "true");
        if (event.key === "ArrowDown") select(shown[(at + 1) % shown.length]);
        else if (event.key === "ArrowUp") select(shown[(at - 1 + shown.length) % shown.length]);
        else if (event.key === "Enter") shown[at]?.click();
        else if (event.key === "Escape") closeDialog(palette);
        else return;
        event.preventDefault();
    });
    palette.addEventListener("dialog:open", () => {
        input.value = "";
        found.forEach((row) => row.remove());
        found = [];
        filter();
        input.focus();
    });
    on(palette, "click", "a", () => closeDialog(palette));

    document.addEventListener("keydown", (event) => {
        if (event.key.toLowerCase() !== "k" || !(isMac ? event.metaKey : event.ctrlKey) || event.shiftKey || event.altKey) return;
        event.preventDefault();
        if (palette.open) closeDialog(palette);
        else openDialog(palette);
    });
}

if (palette) start();
if (isMac) for (const key of document.querySelectorAll("[data-shortcut]")) key.textContent = `⌘ ${key.dataset.shortcut}`;

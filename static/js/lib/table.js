// Lists: select all and the bulk bar; j and k move, Enter opens, x selects.

import { isTyping, on } from "./dom.js";

// --- selection: <form data-select> around a table; data-select-all in the head, data-select-row in the rows ---
function count(form) {
    const boxes = [...form.querySelectorAll("[data-select-row]")];
    const chosen = boxes.filter((box) => box.checked).length;
    const all = form.querySelector("[data-select-all]");
    if (all) {
        all.checked = chosen > 0 && chosen === boxes.length;
        all.indeterminate = chosen > 0 && chosen < boxes.length;
    }
    const bar = form.querySelector("[data-bulk]");
    if (!bar) return;
    bar.hidden = chosen === 0;
    const words = bar.querySelector("[data-bulk-count]");
    if (words) words.textContent = (chosen === 1 ? words.dataset.one : words.dataset.many).replace("%n", chosen);
}
on(document, "change", "form[data-select] [data-select-row]", (event, box) => count(box.form));
on(document, "change", "form[data-select] [data-select-all]", (event, all) => {
    for (const box of all.form.querySelectorAll("[data-select-row]")) box.checked = all.checked;
    count(all.form);
});
on(document, "click", "[data-select-none]", (event, button) => {
    const form = button.closest("form");
    for (const box of form.querySelectorAll("[data-select-row]")) box.checked = false;
    count(form);
});

// --- j, k, Enter, x over [data-rows] > * ---
const rowsOf = (list) => [...list.querySelectorAll("tbody > tr, :scope > .list-row, :scope > li")];

function move(list, step) {
    const rows = rowsOf(list);
    if (!rows.length) return;
    const at = rows.findIndex((row) => row.hasAttribute("data-current"));
    const next = rows[Math.max(0, Math.min(rows.length - 1, at < 0 ? (step > 0 ? 0 : rows.length - 1) : at + step))];
    rows[at]?.removeAttribute("data-current");
    next.setAttribute("data-current", "");
    const link = next.matches("a") ? next : next.querySelector("a[href], button");
    link?.focus({ focusVisible: true });
    next.scrollIntoView({ block: "nearest" });
}

document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open], :popover-open")) return;
    const list = event.target.closest?.("[data-rows]") || document.querySelector("[data-rows]");
    if (!list) return;
    if (event.key === "j" || event.key === "k") {
        event.preventDefault();
        move(list, event.key === "j" ? 1 : -1);
    } else if (event.key === "x") {
        const box = list.querySelector("[data-current] [data-select-row]");
        if (box) box.click();
    }
});

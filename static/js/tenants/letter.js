// The letter editor: what is written shows in the preview a moment later; places go in where the cursor stands.

import { on } from "../lib/dom.js";

const PAUSE_MS = 500;

export function start(root) {
    const form = root.querySelector("form[data-guard]");
    const preview = root.querySelector("form[data-preview]");
    const { subject, body } = form.elements;
    let last = body;
    let waiting = 0;

    const show = () => {
        preview.elements.subject.value = subject.value;
        preview.elements.body.value = body.value;
        // Not `requestSubmit`: the page itself goes nowhere, so nothing is busy.
        preview.submit();
    };
    form.addEventListener("input", () => {
        clearTimeout(waiting);
        waiting = setTimeout(show, PAUSE_MS);
    });
    form.addEventListener("focusin", (event) => {
        if (event.target === subject || event.target === body) last = event.target;
    });
    on(root, "click", "[data-place]", (_event, button) => {
        last.focus();
        last.setRangeText(button.dataset.place, last.selectionStart, last.selectionEnd, "end");
        last.dispatchEvent(new Event("input", { bubbles: true }));
    });
}

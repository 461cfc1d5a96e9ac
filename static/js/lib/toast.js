// Quiet messages. From JavaScript: toast("Saved.", { tone: "success", undo: { label, act } }).
// From the server: Django messages in the page, or an HX-Trigger header {"toast": {"text": …, "tone": …}}.

import { element, on } from "./dom.js";

const STAYS = 6000;
const region = () => document.getElementById("toasts");
const icon = (name) => document.getElementById("toast-icons")?.content.querySelector(`[data-icon="${name}"]`)?.firstElementChild?.cloneNode(true);

function leaveLater(made) {
    // Errors and questions stay until read; the pointer or the focus on a message keeps it.
    let timer = 0;
    const start = () => {
        timer = setTimeout(() => made.remove(), STAYS);
    };
    const stop = () => clearTimeout(timer);
    for (const type of ["pointerenter", "focusin"]) made.addEventListener(type, stop);
    for (const type of ["pointerleave", "focusout"]) made.addEventListener(type, start);
    start();
}

export function toast(text, { tone = "info", undo = null, stays = tone === "error" } = {}) {
    const made = element("div", { class: `toast toast-${tone}`, "data-toast": true }, icon(tone), element("span", { class: "toast-text" }, text));
    if (undo) {
        const button = element("button", { class: "button button-link", type: "button" }, undo.label);
        button.addEventListener("click", () => {
            made.remove();
            undo.act();
        });
        made.append(button);
    }
    made.append(
        element(
            "button",
            { class: "icon-button icon-button-small", type: "button", "aria-label": region().dataset.dismiss, "data-toast-close": true },
            icon("close"),
        ),
    );
    region().append(made);
    if (!stays) leaveLater(made);
    return made;
}

on(document, "click", "[data-toast-close]", (event, button) => button.closest("[data-toast]").remove());
document.addEventListener("toast", (event) => toast(event.detail.text ?? event.detail.value, event.detail));
document.querySelectorAll("[data-toast]:not(.toast-error)").forEach(leaveLater);

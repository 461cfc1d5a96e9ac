// Forms: no double sending, passwords that can be looked at, pictures shown before they are sent,
// colours written or picked, the first error in sight, unsaved changes guarded, parts that belong to one choice.

import { on } from "./dom.js";

// --- busy while sending ---
document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method === "dialog" || form.matches("[hx-post], [hx-get], [role='search']")) return;
    if (form.dataset.sending !== undefined) {
        event.preventDefault();
        return;
    }
    form.dataset.sending = "";
    // The button's own name and value are read by the browser after this event.
    const button = event.submitter;
    if (button?.matches(".button")) setTimeout(() => button.setAttribute("aria-busy", "true"));
});
// Back from the history: the page is as it was left, so forms can be sent again.
addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sending]")) {
        delete form.dataset.sending;
        form.querySelectorAll('[aria-busy="true"]').forEach((button) => button.removeAttribute("aria-busy"));
    }
});
document.addEventListener("htmx:beforeRequest", (event) => {
    event.detail.requestConfig?.triggeringEvent?.submitter?.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:afterRequest", (event) => {
    event.detail.requestConfig?.triggeringEvent?.submitter?.removeAttribute("aria-busy");
});

// --- password ---
function showReveals(root) {
    for (const button of root.querySelectorAll("[data-reveal] > button")) button.hidden = false;
}
on(document, "click", "[data-reveal] > button", (event, button) => {
    const input = button.parentElement.querySelector("input");
    const shown = input.type === "password";
    input.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
});
document.addEventListener("submit", (event) => {
    // A revealed password must not be kept by the browser as ordinary text.
    for (const input of event.target.querySelectorAll('[data-reveal] > input[type="text"]')) input.type = "password";
});

// --- files: our own button (the browser's speaks the computer's language), the name, the picture ---
function dressFiles(root) {
    for (const box of root.querySelectorAll("[data-file]:not(.file-dressed)")) {
        box.classList.add("file-dressed");
        for (const part of box.querySelectorAll(".file-button, .file-name")) part.hidden = false;
    }
}
on(document, "change", "[data-file] > input[type=file]", (event, input) => {
    const preview = input.parentElement.querySelector(".file-preview");
    const name = input.parentElement.querySelector(".file-name");
    const file = input.files[0];
    name.dataset.none ??= name.textContent;
    name.textContent = file ? file.name : name.dataset.none;
    if (!file?.type.startsWith("image/")) return;
    const image = new Image();
    image.alt = "";
    image.src = URL.createObjectURL(file);
    image.addEventListener("load", () => URL.revokeObjectURL(image.src), { once: true });
    preview.replaceChildren(image);
});

// --- colour: the picker and its code say the same ---
on(document, "input", "[data-colour] > input", (event, input) => {
    const [picker, code] = input.parentElement.querySelectorAll("input");
    if (input === picker) code.value = picker.value;
    else if (/^#[0-9a-f]{6}$/i.test(code.value)) {
        picker.value = code.value.toLowerCase();
        picker.dispatchEvent(new Event("input", { bubbles: true }));
    }
});

// Left half written, the code shows again what will be saved.
on(document, "change", "[data-colour] > input", (event, input) => {
    const [picker, code] = input.parentElement.querySelectorAll("input");
    code.value = picker.value;
});

// --- unsaved changes: <form data-guard> ---
const changed = new Set();
on(document, "input", "form[data-guard]", (event, form) => changed.add(form));
document.addEventListener("submit", (event) => changed.delete(event.target));
document.addEventListener("reset", (event) => changed.delete(event.target));
addEventListener("beforeunload", (event) => {
    for (const form of changed) {
        if (form.isConnected) event.preventDefault();
    }
});

// --- parts that belong to one choice: <div data-shown-when="kind=llm webhook"> inside the form ---
function showParts(form) {
    for (const part of form.querySelectorAll("[data-shown-when]")) {
        const [name, choices] = part.dataset.shownWhen.split("=");
        const chosen = form.elements[name]?.value;
        // What is wrong is never hidden.
        part.hidden = chosen !== undefined && !choices.split(" ").includes(chosen) && !part.querySelector("[aria-invalid]");
    }
}
on(document, "change", "form", (event, form) => showParts(form));

// --- errors ---
function arrive(root) {
    for (const form of root.querySelectorAll("form:has([data-shown-when])")) showParts(form);
    showReveals(root);
    dressFiles(root);
    root.querySelector("[data-error-summary]")?.focus();
}
arrive(document);
document.addEventListener("htmx:load", (event) => arrive(event.detail.elt));

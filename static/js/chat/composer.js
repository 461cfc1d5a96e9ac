// Writing: reply or note, drafts that stay on this device, and telling the other side that somebody types.

import { grow } from "./dom.js";
import { preference } from "./preferences.js";

const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 6_000;

export function openComposer({ article, me, send, typing }) {
    const form = article.querySelector("[data-composer]");
    if (!form) return null;
    const field = form.querySelector("textarea");
    const button = form.querySelector("button[type=submit]");
    const modes = [...form.querySelectorAll("[name=private]")];
    let typedAt = 0;
    let ends = 0;

    const hidden = () => form.querySelector("[name=private]:checked").value === "1";
    const shelf = () => `draft:${me.id}:${article.dataset.conversation}:${hidden() ? "note" : "reply"}`;

    function restore() {
        const mode = hidden() ? "note" : "reply";
        form.dataset.mode = mode;
        field.placeholder = field.dataset[mode];
        const label = button.querySelector("span");
        label.textContent = label.dataset[mode];
        field.value = localStorage.getItem(shelf()) ?? "";
        changed();
    }

    function changed() {
        grow(field, 240);
        button.disabled = !field.value.trim();
    }

    function stop() {
        clearTimeout(ends);
        if (typedAt) typing(false, hidden());
        typedAt = 0;
    }

    function onInput() {
        changed();
        if (field.value) localStorage.setItem(shelf(), field.value);
        else localStorage.removeItem(shelf());
        if (!field.value) return stop();
        if (Date.now() - typedAt > TYPING_EVERY_MS) {
            typedAt = Date.now();
            typing(true, hidden());
        }
        clearTimeout(ends);
        ends = setTimeout(stop, TYPING_ENDS_MS);
    }

    function submit(event) {
        event.preventDefault();
        const body = field.value.trim();
        if (!body) return;
        stop();
        send({ body, private: hidden() });
        field.value = "";
        localStorage.removeItem(shelf());
        changed();
        field.focus();
    }

    function onKey(event) {
        if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
        const always = event.ctrlKey || event.metaKey;
        if (always || (preference("enter") && !event.shiftKey && !event.altKey)) submit(event);
    }

    function onMode() {
        stop();
        restore();
        field.focus();
    }

    form.addEventListener("submit", submit);
    field.addEventListener("input", onInput);
    field.addEventListener("keydown", onKey);
    for (const mode of modes) mode.addEventListener("change", onMode);
    // The form works without us; with us nothing is required, an empty field only does nothing.
    field.required = false;
    restore();

    return {
        focus(note) {
            const mode = modes.find((one) => one.value === (note ? "1" : "0"));
            if (!mode.checked) {
                mode.checked = true;
                restore();
            }
            field.focus();
        },
        close: stop,
    };
}

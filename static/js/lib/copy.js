// The copy box: takes the text, says so on the button, goes back to "Copy".

import { on } from "./dom.js";

on(document, "click", "[data-copy] > button", async (event, button) => {
    const source = button.parentElement.querySelector("code, pre");
    try {
        await navigator.clipboard.writeText(source.textContent);
    } catch {
        // No clipboard (plain http): select the text, so that Ctrl+C takes it.
        getSelection().selectAllChildren(source);
        return;
    }
    const words = button.querySelector("span");
    const before = words.textContent;
    if (before === button.dataset.copied) return;
    words.textContent = button.dataset.copied;
    setTimeout(() => {
        words.textContent = before;
    }, 2000);
});

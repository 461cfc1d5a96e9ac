// Light, dark or as the system. A cookie, so that the server paints the right one at once.

import { on, remember } from "./dom.js";

export function setTheme(choice) {
    if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
    else delete document.documentElement.dataset.theme;
    remember("theme", choice === "system" ? "" : choice);
    for (const button of document.querySelectorAll("[data-theme-switch] button")) {
        button.setAttribute("aria-checked", String(button.value === choice));
    }
}

on(document, "click", "[data-theme-switch] button", (event, button) => setTheme(button.value));

// Comfortable or compact rows, for all lists of this browser.

import { on, remember } from "./dom.js";

on(document, "click", "[data-density-switch]", () => {
    const compact = document.documentElement.dataset.density !== "compact";
    if (compact) document.documentElement.dataset.density = "compact";
    else delete document.documentElement.dataset.density;
    remember("density", compact ? "compact" : "");
    for (const button of document.querySelectorAll("[data-density-switch]")) button.setAttribute("aria-pressed", String(compact));
});

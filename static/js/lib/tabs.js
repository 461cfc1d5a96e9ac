// Tabs whose panels are in the page already: role=tablist, tab, tabpanel. Tabs that are links need none of this.

import { on } from "./dom.js";

function choose(tab, focus = true) {
    for (const other of tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')) {
        const chosen = other === tab;
        other.setAttribute("aria-selected", String(chosen));
        other.tabIndex = chosen ? 0 : -1;
        const panel = document.getElementById(other.getAttribute("aria-controls"));
        if (panel) panel.hidden = !chosen;
    }
    if (focus) tab.focus();
}

on(document, "click", '[role="tab"]', (event, tab) => choose(tab, false));
document.addEventListener("keydown", (event) => {
    const tab = event.target.closest?.('[role="tab"]');
    if (!tab) return;
    const tabs = [...tab.closest('[role="tablist"]').querySelectorAll('[role="tab"]')];
    const at = tabs.indexOf(tab);
    const next = {
        ArrowRight: tabs[(at + 1) % tabs.length],
        ArrowLeft: tabs[(at - 1 + tabs.length) % tabs.length],
        Home: tabs[0],
        End: tabs.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    choose(next);
});

// Tabs whose panels are in the page already: role=tablist, tab, tabpanel. Tabs that are links need none of that;
// where there are more than fit, the current one is in sight and the edge says that there are more.

import { on } from "./dom.js";

function fade(tabs) {
    const hidden = tabs.scrollWidth - tabs.clientWidth;
    const more = [tabs.scrollLeft > 2 && "before", tabs.scrollLeft < hidden - 2 && "after"].filter(Boolean);
    tabs.dataset.more = more.join(" ");
}

const watcher = new ResizeObserver((entries) => entries.forEach((entry) => fade(entry.target)));
function watch(root) {
    for (const tabs of root.querySelectorAll(".tabs:not([data-more])")) {
        const current = tabs.querySelector("[aria-current]");
        if (current) tabs.scrollLeft = current.offsetLeft - tabs.offsetLeft - (tabs.clientWidth - current.offsetWidth) / 2;
        tabs.addEventListener("scroll", () => fade(tabs), { passive: true });
        fade(tabs);
        watcher.observe(tabs);
    }
}
watch(document);
document.addEventListener("htmx:load", (event) => watch(event.detail.elt));

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

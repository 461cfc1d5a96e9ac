// The start of every page: behaviours that belong to markup, then the modules pages ask for.
//
// An element with data-controller="chat/console" is handed to start(root) of static/js/chat/console.js.
// start may return a function; it is called when htmx takes the element away.

import "./lib/chart.js";
import "./lib/connection.js";
import "./lib/copy.js";
import "./lib/density.js";
import "./lib/dialog.js";
import "./lib/form.js";
import "./lib/htmx.js";
import "./lib/menu.js";
import "./lib/palette.js";
import "./lib/table.js";
import "./lib/tabs.js";
import "./lib/theme.js";
import "./lib/time.js";
import "./lib/toast.js";
import "./lib/tooltip.js";

// On a phone the bottom bar and the tabs scroll: where one is stands in view.
for (const here of document.querySelectorAll(".rail-nav .rail-link[aria-current], .tabs .tab[aria-current]")) {
    const bar = here.parentElement;
    const end = here.getBoundingClientRect().right - bar.getBoundingClientRect().right;
    if (end > 0) bar.scrollLeft += end;
}

const addresses = JSON.parse(document.querySelector('meta[name="controllers"]')?.content || "{}");
const running = new Map();

async function begin(root) {
    if (running.has(root)) return;
    running.set(root, null);
    for (const name of root.dataset.controller.split(/\s+/).filter(Boolean)) {
        const address = addresses[name];
        if (!address) {
            console.error(`No module for data-controller="${name}".`);
            continue;
        }
        const { start } = await import(address);
        if (!root.isConnected) return;
        const stop = start(root);
        if (typeof stop === "function") running.set(root, [...(running.get(root) || []), stop]);
    }
}

function end(root) {
    for (const stop of running.get(root) || []) stop();
    running.delete(root);
}

function each(node, selector, act) {
    if (node.matches?.(selector)) act(node);
    node.querySelectorAll?.(selector).forEach(act);
}

each(document, "[data-controller]", begin);
document.addEventListener("htmx:load", (event) => each(event.detail.elt, "[data-controller]", begin));
document.addEventListener("htmx:beforeCleanupElement", (event) => {
    if (running.has(event.detail.elt)) end(event.detail.elt);
});

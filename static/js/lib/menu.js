// Menus and popovers: native popovers placed beside their button, with the arrow keys of a menu.

import { on, plain } from "./dom.js";

const GAP = 4;
const EDGE = 8;

export function place(popover, anchor) {
    const box = anchor.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = popover;
    const atEnd = popover.dataset.menu === "end" || popover.dataset.popover === "end";
    const left = atEnd ? box.right - width : box.left;
    const below = box.bottom + GAP + height <= innerHeight - EDGE || box.top - GAP - height < EDGE;
    popover.style.margin = "0";
    popover.style.left = `${Math.max(EDGE, Math.min(left, innerWidth - width - EDGE))}px`;
    popover.style.top = `${below ? box.bottom + GAP : box.top - GAP - height}px`;
}

const invokerOf = (popover) => document.querySelector(`[popovertarget="${popover.id}"]`);
const itemsOf = (menu) => [...menu.querySelectorAll(".menu-item:not([hidden])")].filter((item) => item.offsetParent !== null);

// The press of a key opens with the first item focused, the mouse leaves the focus where it is.
function enter(popover, invoker) {
    if (invoker) place(popover, invoker);
    if (popover.matches(".menu")) itemsOf(popover)[0]?.focus({ focusVisible: invoker?.matches(":focus-visible") });
}

document.addEventListener(
    "toggle",
    (event) => {
        const popover = event.target;
        if (!(popover instanceof HTMLElement) || !popover.matches(".menu[popover], .popover[popover]")) return;
        const open = event.newState === "open";
        const invoker = invokerOf(popover);
        invoker?.setAttribute("aria-expanded", String(open));
        // Opened by an arrow key, the focus is inside already and may have moved on.
        if (open && !popover.contains(document.activeElement)) enter(popover, invoker);
    },
    true,
);

document.addEventListener("keydown", (event) => {
    const button = event.target.closest?.('[popovertarget][aria-haspopup="menu"]');
    if (button && event.key === "ArrowDown") {
        event.preventDefault();
        const popover = document.getElementById(button.getAttribute("popovertarget"));
        popover?.showPopover();
        // "toggle" comes a moment later; a second arrow key may be quicker.
        if (popover) enter(popover, button);
        return;
    }
    const menu = event.target.closest?.(".menu[popover]");
    if (!menu) return;
    const items = itemsOf(menu);
    const at = items.indexOf(document.activeElement);
    let next = null;
    if (event.key === "ArrowDown") next = items[(at + 1) % items.length];
    else if (event.key === "ArrowUp") next = items[(at - 1 + items.length) % items.length];
    else if (event.key === "Home") next = items[0];
    else if (event.key === "End") next = items.at(-1);
    else if (event.key === "Tab") {
        menu.hidePopover();
        return;
    } else if (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey) {
        const letter = plain(event.key);
        next = [...items.slice(at + 1), ...items.slice(0, at + 1)].find((item) => plain(item.textContent.trim()).startsWith(letter));
    }
    if (next) {
        event.preventDefault();
        next.focus({ focusVisible: true });
    }
});

// A chosen item closes its menu; a choice that stays (theme) may be tried several times.
on(document, "click", ".menu .menu-item", (event, item) => {
    if (item.getAttribute("aria-disabled") === "true") {
        event.preventDefault();
        return;
    }
    if (item.getAttribute("role") !== "menuitemradio") item.closest("[popover]")?.hidePopover();
});

addEventListener("resize", () => {
    for (const open of document.querySelectorAll(".menu:popover-open, .popover:popover-open")) {
        const invoker = invokerOf(open);
        if (invoker) place(open, invoker);
    }
});

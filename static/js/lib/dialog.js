// Native dialogs: [data-dialog-open="id"], [data-dialog-close]. The browser keeps the focus inside,
// closes on Esc and gives the focus back.

import { on } from "./dom.js";

export function openDialog(dialog) {
    if (dialog.open) return;
    for (const open of document.querySelectorAll("[popover]:popover-open")) open.hidePopover();
    dialog.showModal();
    dialog.dispatchEvent(new CustomEvent("dialog:open", { bubbles: true }));
}

export function closeDialog(dialog, value = "") {
    dialog.close(value);
}

on(document, "click", "[data-dialog-open]", (event, button) => {
    const dialog = document.getElementById(button.dataset.dialogOpen);
    if (!(dialog instanceof HTMLDialogElement)) return;
    event.preventDefault();
    // From a menu the focus goes back to the button that opened the menu, which is still there.
    const menu = button.closest("[popover]");
    const invoker = menu && document.querySelector(`[popovertarget="${menu.id}"]`);
    openDialog(dialog);
    if (invoker) dialog.addEventListener("close", () => invoker.focus(), { once: true });
});

on(document, "click", "[data-dialog-close]", (event, button) => {
    event.preventDefault();
    closeDialog(button.closest("dialog"));
});

// A press that starts and ends on the backdrop closes; a selection dragged out of a field does not.
let pressedOn = null;
document.addEventListener("pointerdown", (event) => {
    pressedOn = event.target;
});
document.addEventListener("click", (event) => {
    const dialog = event.target;
    if (!(dialog instanceof HTMLDialogElement) || pressedOn !== dialog || dialog.dataset.keep !== undefined) return;
    const box = dialog.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside) closeDialog(dialog);
});

// Filled by htmx: <dialog data-dialog-auto> opens as soon as it arrives.
document.addEventListener("htmx:load", (event) => {
    const dialog = event.detail.elt.closest?.("dialog[data-dialog-auto]") || event.detail.elt.querySelector?.("dialog[data-dialog-auto]");
    if (dialog) openDialog(dialog);
});

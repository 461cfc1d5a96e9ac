// One tooltip for the page: [data-tip] on hover and on keyboard focus, away on Esc. The element has its
// own accessible name; the tip only shows it. data-tip-when="narrow": only while its words are not shown.

const WAIT = 350;
const GAP = 6;
let tip = null;
let timer = 0;
let shownFor = null;

function wanted(element) {
    if (element.dataset.tipWhen !== "narrow") return true;
    const room = element.closest(".app-narrow") ? "(width >= 700px)" : "(700px <= width < 1100px)";
    return matchMedia(room).matches;
}

function show(element) {
    if (!element.isConnected || !wanted(element)) return;
    if (!tip) {
        tip = document.createElement("div");
        tip.className = "tooltip";
        tip.popover = "manual";
        tip.setAttribute("aria-hidden", "true");
        document.body.append(tip);
    }
    tip.textContent = element.dataset.tip;
    tip.showPopover();
    shownFor = element;
    const box = element.getBoundingClientRect();
    const side = element.dataset.tipWhen === "narrow";
    const left = side ? box.right + GAP : box.left + (box.width - tip.offsetWidth) / 2;
    const above = box.top - GAP - tip.offsetHeight;
    const top = side ? box.top + (box.height - tip.offsetHeight) / 2 : above > 4 ? above : box.bottom + GAP;
    tip.style.left = `${Math.max(4, Math.min(left, innerWidth - tip.offsetWidth - 4))}px`;
    tip.style.top = `${top}px`;
}

function hide() {
    clearTimeout(timer);
    shownFor = null;
    if (tip?.matches(":popover-open")) tip.hidePopover();
}

document.addEventListener("pointerover", (event) => {
    const element = event.target.closest?.("[data-tip]");
    if (event.pointerType === "touch" || element === shownFor) return;
    // From one to the next, as along a chart, nobody waits again.
    const wait = shownFor ? 0 : WAIT;
    hide();
    if (element) timer = setTimeout(show, wait, element);
});
document.addEventListener("pointerdown", hide);
document.addEventListener("focusin", (event) => {
    const element = event.target.closest?.("[data-tip]");
    // A menu that is just opening moves the focus; nothing else may be shown in that very moment.
    if (element?.matches(":focus-visible")) timer = setTimeout(show, 0, element);
});
document.addEventListener("focusout", hide);
document.addEventListener("scroll", hide, { capture: true, passive: true });
document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
});

// What can be done with one message: a small bar beside it, the arrow keys to reach it, a long press on a phone.

import { on, request } from "../lib/dom.js";
import { place } from "../lib/menu.js";
import { toast } from "../lib/toast.js";

const PRESS_MS = 450;

export function openMessageMenu({ app }) {
    const { root, main, words } = app;
    const bar = document.getElementById("chat-message-bar");
    const menu = document.getElementById("chat-message-menu");
    let line = null;
    let press = 0;

    const may = (what) => ({ reply: app.mayReply && line.id, edit: app.mayReply && line.mine && line.id && line.shape === "text", delete: app.mayReply && line.mine && line.id, copy: true, more: true })[what];

    function take(node) {
        const found = node && app.thread?.lineOf(node);
        if (!found || found.kind === "activity" || found.gone || found.seq === Infinity) return false;
        line = found;
        for (const item of [...menu.querySelectorAll("[data-message]"), ...bar.querySelectorAll("[data-message]")]) item.hidden = !may(item.dataset.message);
        return true;
    }

    // The bar lies over the log, beside the words it belongs to; it is not part of the thread.
    function show(node) {
        if (menu.matches(":popover-open") || !take(node)) return;
        const frame = main.querySelector(".chat-log-frame");
        const bubble = node.querySelector(".chat-bubble, .chat-files, .chat-message-card") ?? node;
        const box = bubble.getBoundingClientRect();
        const outer = frame.getBoundingClientRect();
        if (bar.parentNode !== frame) frame.append(bar);
        bar.hidden = false;
        const left = line.kind === "in" ? box.right - outer.left + 6 : box.left - outer.left - bar.offsetWidth - 6;
        bar.style.left = `${Math.max(4, Math.min(left, outer.width - bar.offsetWidth - 4))}px`;
        bar.style.top = `${Math.max(4, box.top - outer.top + Math.min(0, (box.height - bar.offsetHeight) / 2) + (box.height > bar.offsetHeight ? 2 : 0))}px`;
    }

    function hide() {
        bar.hidden = true;
    }

    function openMenu(anchor) {
        menu.showPopover();
        place(menu, anchor);
        menu.querySelector(".menu-item:not([hidden])")?.focus();
    }

    const onOver = (event) => {
        if (event.pointerType === "touch") return;
        const node = event.target.closest("[data-line]");
        if (node) show(node);
        else if (!event.target.closest("#chat-message-bar")) hide();
    };
    const onDown = (event) => {
        const node = event.target.closest(".chat-log [data-line]");
        if (event.pointerType !== "touch" || !node) return;
        press = setTimeout(() => {
            if (!take(node)) return;
            navigator.vibrate?.(10);
            openMenu(node.querySelector(".chat-bubble") ?? node);
        }, PRESS_MS);
    };
    const onUp = () => clearTimeout(press);
    const onFocus = (event) => {
        const node = event.target.closest?.("[data-line]");
        if (node?.matches(":focus-visible")) show(node);
    };

    /** Up and down walk through the messages, Enter opens what can be done with one. */
    const onKey = (event) => {
        const log = event.target.closest?.(".chat-log");
        if (!log || event.ctrlKey || event.metaKey || event.altKey) return;
        const here = event.target.closest("[data-line]");
        if (event.key === "ArrowUp" || event.key === "ArrowDown") {
            event.preventDefault();
            const step = event.key === "ArrowUp" ? -1 : 1;
            let next = here ? app.thread.neighbour(here, step) : [...log.querySelectorAll("[data-line]")].at(-1);
            while (next && !next.matches("[data-line]")) next = app.thread.neighbour(next, step);
            if (!next) return;
            next.tabIndex = -1;
            if (!next.isConnected) app.thread.goTo(next.dataset.id);
            next.focus();
            next.scrollIntoView({ block: "nearest" });
        } else if (here && (event.key === "Enter" || event.key === "ContextMenu") && event.target === here && take(here)) {
            event.preventDefault();
            openMenu(here.querySelector(".chat-bubble, .chat-files, .chat-message-card") ?? here);
        }
    };

    async function onClick(event) {
        const button = event.target.closest("[data-message]");
        if (!button || !line) return;
        const chosen = line;
        hide();
        const act = {
            reply: () => app.composer?.answer(chosen),
            edit: () => app.composer?.edit(chosen),
            more: () => openMenu(button),
            copy: async () => {
                await navigator.clipboard?.writeText(app.thread.textOf(chosen));
                toast(words.copied, { tone: "success" });
            },
            delete: () => remove(chosen),
        }[button.dataset.message];
        if (button.dataset.message === "more") {
            bar.hidden = false;
            openMenu(button);
        } else await act?.();
    }

    async function remove(chosen) {
        const dialog = document.getElementById("chat-delete");
        dialog.showModal();
        dialog.onclose = async () => {
            if (dialog.returnValue !== "delete") return;
            dialog.returnValue = "";
            try {
                await request(`/api/v1/chat/messages/${chosen.id}/`, { method: "DELETE" });
            } catch (error) {
                toast(error.problem?.detail || words.actionFailed, { tone: "error" });
            }
        };
    }

    /** Refused by its channel: try once more. */
    async function again(button) {
        button.setAttribute("aria-busy", "true");
        try {
            await request(`/api/v1/chat/messages/${button.dataset.retryMessage}/retry/`, { method: "POST", body: {} });
            app.thread?.redraw(Number(button.closest("[data-line]").dataset.seq));
        } catch (error) {
            toast(error.problem?.detail || words.actionFailed, { tone: "error" });
        } finally {
            button.removeAttribute("aria-busy");
        }
    }

    const stop = on(main, "click", "[data-retry-message]", (event, button) => again(button));
    main.addEventListener("pointerover", onOver);
    main.addEventListener("pointerleave", hide);
    main.addEventListener("pointerdown", onDown);
    for (const type of ["pointerup", "pointercancel", "pointermove"]) main.addEventListener(type, onUp);
    main.addEventListener("scroll", hide, { capture: true, passive: true });
    main.addEventListener("focusin", onFocus);
    main.addEventListener("keydown", onKey);
    bar.addEventListener("click", onClick);
    menu.addEventListener("click", onClick);

    return {
        leave() {
            hide();
            line = null;
            root.append(bar);
        },
        close() {
            clearTimeout(press);
            stop();
            main.removeEventListener("pointerover", onOver);
            main.removeEventListener("keydown", onKey);
            main.removeEventListener("focusin", onFocus);
        },
    };
}

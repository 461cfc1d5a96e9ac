// The console by keyboard. Single keys act only outside of fields and can be switched off (WCAG 2.1.4).

import { openDialog } from "../lib/dialog.js";
import { isTyping } from "../lib/dom.js";
import { bindPreferences, preference } from "./preferences.js";

const CHORD_MS = 1_200;

export function bindKeys({ app }) {
    const { root, main, list, actions } = app;
    const help = document.getElementById("chat-help");
    const places = JSON.parse(root.dataset.places || "{}");
    let chord = 0;
    for (const dialog of [help, document.getElementById("chat-alerts")]) if (dialog) bindPreferences(dialog);

    function menu(id) {
        main.querySelector(`[popovertarget="${id}"]`)?.click();
    }

    const keys = {
        j: () => list.step(1),
        k: () => list.step(-1),
        x: () => list.toggle(),
        r: () => app.composer?.focus(false),
        n: () => app.composer?.focus(true),
        e: () => actions.resolve(),
        E: () => actions.resolve({ next: true }),
        a: () => menu("chat-assign"),
        m: () => app.thread && root.querySelector("[data-may-assign]") && actions.send("assign", { assignee: "me" }),
        t: () => menu("chat-team"),
        l: () => menu("chat-labels"),
        p: () => menu("chat-priority"),
        s: () => menu("chat-snooze"),
        u: () => app.thread && actions.send("unread", {}).then((done) => done && app.back()),
        "/": list.focusSearch,
        "[": () => fold("list"),
        "]": () => (matchMedia("(width < 1100px)").matches ? app.toggleContext() : fold("context")),
        "?": () => openDialog(help),
        g: () => (chord = Date.now()),
    };

    /** Hide or show a pane on wide screens; remembered on this device. */
    function fold(pane) {
        const off = root.toggleAttribute(`data-no-${pane}`);
        localStorage.setItem(`chat:${pane}`, off ? "off" : "on");
    }
    for (const pane of ["list", "context"]) if (localStorage.getItem(`chat:${pane}`) === "off") root.setAttribute(`data-no-${pane}`, "");

    function onKey(event) {
        if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], [popover]:popover-open")) return;
        if (event.key === "Escape") {
            if (app.leaveContext() || list.clearSelection()) return;
            if (isTyping(event.target)) event.target.blur();
            else if (app.thread) app.back();
            return;
        }
        if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !preference("keys")) return;
        if (chord && Date.now() - chord < CHORD_MS) {
            chord = 0;
            if (!places[event.key]) return;
            event.preventDefault();
            location.assign(places[event.key]);
            return;
        }
        const act = keys[event.key];
        if (!act) return;
        event.preventDefault();
        act();
    }

    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
}

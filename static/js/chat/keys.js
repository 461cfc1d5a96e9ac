// The console by keyboard. Single keys act only outside of fields and can be switched off (WCAG 2.1.4).

import { openDialog } from "../lib/dialog.js";
import { isTyping } from "../lib/dom.js";
import { bindPreferences, preference } from "./preferences.js";

const CHORD_MS = 1_200;
const PLACES = { c: "/chat/", o: "/chat/contacts/", s: "/settings/chat/widget/" };

export function bindKeys({ list, back, reply, menu, takeIt, resolve, toggleContext, leaveContext, hasThread }) {
    const help = document.getElementById("chat-help");
    let chord = 0;
    bindPreferences(help);

    const keys = {
        j: () => list.step(1),
        k: () => list.step(-1),
        r: () => reply(false),
        n: () => reply(true),
        e: () => resolve(false),
        E: () => resolve(true),
        a: () => menu("chat-assign"),
        m: takeIt,
        p: () => menu("chat-priority"),
        s: () => menu("chat-snooze"),
        "/": list.focusSearch,
        "]": toggleContext,
        "?": () => openDialog(help),
        g: () => (chord = Date.now()),
    };

    function onKey(event) {
        if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open], [popover]:popover-open")) return;
        if (event.key === "Escape") {
            if (leaveContext()) return;
            if (isTyping(event.target)) event.target.blur();
            else if (hasThread()) back();
            return;
        }
        if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || !preference("keys")) return;
        if (chord && Date.now() - chord < CHORD_MS) {
            chord = 0;
            if (!PLACES[event.key]) return;
            event.preventDefault();
            location.assign(PLACES[event.key]);
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

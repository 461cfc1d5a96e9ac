// What was begun and not sent: kept on this device at once, on the server a moment later, so that it waits everywhere.

import { request } from "../lib/dom.js";

const SAVE_AFTER_MS = 1_200;

export function openDrafts({ me, article, stored }) {
    const { conversation, number } = article.dataset;
    const shelf = (hidden) => `draft:${me.id}:${conversation}:${hidden ? "note" : "reply"}`;
    const timers = new Map();

    function local(hidden) {
        return localStorage.getItem(shelf(hidden));
    }

    function read(hidden) {
        // What this device holds is newer: the server is told a moment later.
        return local(hidden) ?? stored[hidden ? "note" : "reply"] ?? "";
    }

    async function save(hidden, text) {
        const body = text.trim() ? text : "";
        try {
            await request(`/api/v1/chat/drafts/${number}/`, { method: "PUT", body: { private: hidden, body } });
            stored[hidden ? "note" : "reply"] = body;
            if (local(hidden) === text) localStorage.removeItem(shelf(hidden));
        } catch {
            // It stays on this device, and the next letter tries again.
        }
    }

    function write(hidden, text) {
        clearTimeout(timers.get(hidden));
        if (text === (stored[hidden ? "note" : "reply"] ?? "")) {
            localStorage.removeItem(shelf(hidden));
            return;
        }
        localStorage.setItem(shelf(hidden), text);
        timers.set(
            hidden,
            setTimeout(() => save(hidden, text), SAVE_AFTER_MS),
        );
    }

    return {
        read,
        write,
        drop(hidden) {
            clearTimeout(timers.get(hidden));
            localStorage.removeItem(shelf(hidden));
            if (stored[hidden ? "note" : "reply"]) save(hidden, "");
        },
        close() {
            for (const timer of timers.values()) clearTimeout(timer);
            for (const hidden of [false, true]) {
                const text = local(hidden);
                if (text !== null) save(hidden, text);
            }
        },
    };
}

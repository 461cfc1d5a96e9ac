// Several conversations at once: boxes before the rows, and a bar with what can be done with all of them.

import { on, request } from "../lib/dom.js";
import { toast } from "../lib/toast.js";
import { plural } from "./format.js";

const locale = document.documentElement.lang || "pt-br";

export function openSelection({ app, list }) {
    const { words } = app;
    const chosen = new Set();
    const bar = list.querySelector("[data-bulk-bar]");
    let last = null;

    const boxes = () => [...list.querySelectorAll("[data-select-conversation]")];

    function draw() {
        for (const box of boxes()) box.checked = chosen.has(box.value);
        list.toggleAttribute("data-selecting", chosen.size > 0);
        if (!bar) return;
        bar.hidden = chosen.size === 0;
        bar.querySelector("[data-bulk-count]").textContent = plural(words.chosen, chosen.size, locale);
    }

    function set(box, state) {
        if (state) chosen.add(box.value);
        else chosen.delete(box.value);
    }

    // Shift takes everything between the last box and this one, as in every list of mail.
    function onClick(event, box) {
        if (event.shiftKey && last?.isConnected) {
            const all = boxes();
            const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
            for (const one of all.slice(from, to + 1)) set(one, box.checked);
        } else set(box, box.checked);
        last = box;
        draw();
    }

    function clear() {
        if (!chosen.size) return false;
        chosen.clear();
        draw();
        return true;
    }

    async function act(button) {
        const { bulk: action, value, field } = button.dataset;
        button.closest("[popover]:popover-open")?.hidePopover();
        const ids = [...chosen].map(Number);
        bar.setAttribute("aria-busy", "true");
        try {
            const answer = await request("/api/v1/chat/bulk/", { method: "POST", body: { ids, action, ...(field ? { [field]: field === "add" ? [value] : value } : {}) } });
            toast(plural(words.bulkDone, answer.done, locale) + (answer.failed ? ` ${plural(words.bulkRefused, answer.failed, locale)}` : ""), { tone: answer.failed ? "warning" : "success" });
            clear();
            app.list.refresh();
            app.refreshHead();
        } catch (error) {
            toast(error.problem?.errors?.[0]?.detail || error.problem?.detail || words.actionFailed, { tone: "error" });
        } finally {
            bar.removeAttribute("aria-busy");
        }
    }

    const stops = [
        on(list, "click", "[data-select-conversation]", onClick),
        on(list, "click", "[data-bulk-none]", clear),
        on(list, "click", "[data-bulk-all]", () => {
            for (const box of boxes()) chosen.add(box.value);
            draw();
        }),
        on(list, "click", "button[data-bulk]", (event, button) => act(button)),
    ];

    return {
        clear,
        drawn() {
            const here = new Set(boxes().map((box) => box.value));
            for (const one of [...chosen]) if (!here.has(one)) chosen.delete(one);
            draw();
        },
        toggle(row) {
            const box = row.querySelector("[data-select-conversation]");
            if (!box) return;
            set(box, !chosen.has(box.value));
            last = box;
            draw();
        },
        close() {
            for (const stop of stops) stop();
        },
    };
}

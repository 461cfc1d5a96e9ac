// Whether I take new conversations, and who of the team is there.

import { on, request } from "../lib/dom.js";
import { toast } from "../lib/toast.js";

export function openAvailability({ app }) {
    const { words, me, live } = app;
    const menu = document.getElementById("chat-availability");
    const team = new Map();
    const shown = () => document.querySelectorAll("[data-my-availability]");

    function show(state) {
        for (const one of shown()) {
            one.dataset.myAvailability = state;
            const text = one.querySelector("[data-availability-text]");
            if (text) text.textContent = words.availability[state];
        }
        for (const item of menu?.querySelectorAll("[data-availability]") ?? []) item.setAttribute("aria-checked", String(item.dataset.availability === state));
    }

    /** The dots beside colleagues in the menus. */
    function heard({ user, state }) {
        if (!user) return;
        if (user.id === me.id) show(state);
        team.set(user.id, state);
        paint();
    }

    /** Again after the server drew the menus: it does not know who is there. */
    function paint() {
        for (const dot of document.querySelectorAll("[data-agent-dot]")) dot.dataset.state = team.get(dot.dataset.agentDot) ?? "offline";
    }

    async function choose(state) {
        const before = menu.querySelector('[aria-checked="true"]')?.dataset.availability;
        show(state);
        menu.hidePopover();
        try {
            await request("/api/v1/chat/agents/me/", { method: "PATCH", body: { availability: state } });
        } catch (error) {
            if (error.status === 404 || error.status === 405) live.send({ type: "presence", state });
            else {
                show(before);
                toast(error.problem?.detail || words.actionFailed, { tone: "error" });
            }
        }
    }

    const stops = menu ? [on(menu, "click", "[data-availability]", (event, item) => choose(item.dataset.availability))] : [];
    return {
        heard,
        paint,
        team(states) {
            team.clear();
            for (const [id, state] of Object.entries(states)) team.set(id, state);
            paint();
            if (states[me.id]) show(states[me.id]);
        },
        close: () => stops.forEach((stop) => stop()),
    };
}

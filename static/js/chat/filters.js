// Narrowing the list: a panel that is asked for when it is opened, and views kept under a name.

import { on, request } from "../lib/dom.js";
import { place } from "../lib/menu.js";
import { toast } from "../lib/toast.js";
import { part } from "./panes.js";

export function openFilters({ app, list, go }) {
    const panel = list.querySelector("[data-filters-panel]");
    const { words } = app;

    async function fill() {
        panel.setAttribute("aria-busy", "true");
        try {
            panel.innerHTML = await part(app.list.url, "filters");
            place(panel, list.querySelector("[data-filters-open]"));
            panel.querySelector("select, a, button")?.focus({ preventScroll: true });
        } catch {
            panel.textContent = words.listFailed;
        } finally {
            panel.removeAttribute("aria-busy");
        }
    }

    /** Filters say only what is chosen, so that addresses stay short. */
    function narrow(form) {
        const given = [...new FormData(form)].filter(([, value]) => value !== "");
        go(`/chat/${given.length ? `?${new URLSearchParams(given)}` : ""}`);
    }

    async function keep(form) {
        const name = form.elements.name.value.trim();
        if (!name) return;
        const sort = new URL(app.list.url, location.href).searchParams.get("sort") ?? "";
        try {
            await request("/api/v1/chat/views/", { method: "POST", body: { name, filters: JSON.parse(form.dataset.keepView), sort, scope: "person" } });
            toast(words.viewKept, { tone: "success" });
            await fill();
        } catch (error) {
            toast(error.problem?.errors?.[0]?.detail || error.problem?.detail || words.actionFailed, { tone: "error" });
        }
    }

    async function drop(button) {
        try {
            await request(`/api/v1/chat/views/${button.dataset.dropView}/`, { method: "DELETE" });
            await fill();
        } catch (error) {
            toast(error.problem?.detail || words.actionFailed, { tone: "error" });
        }
    }

    const onToggle = (event) => event.newState === "open" && fill();
    panel.addEventListener("toggle", onToggle);
    const stops = [
        on(list, "change", "form[data-filters]", (event, form) => narrow(form)),
        on(list, "submit", "form[data-filters]", (event, form) => {
            event.preventDefault();
            narrow(form);
            panel.hidePopover();
        }),
        on(list, "submit", "form[data-keep-view]", (event, form) => {
            event.preventDefault();
            keep(form);
        }),
        on(list, "click", "[data-drop-view]", (event, button) => drop(button)),
    ];
    return {
        close() {
            panel.removeEventListener("toggle", onToggle);
            for (const stop of stops) stop();
        },
    };
}

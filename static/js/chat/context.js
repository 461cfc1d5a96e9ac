// Beside the thread: the contact's card edited in place, attributes, notes, macros, and joining two contacts.

import { debounce, on, request } from "../lib/dom.js";
import { openDialog } from "../lib/dialog.js";
import { toast } from "../lib/toast.js";
import { post } from "./actions.js";
import { h } from "./dom.js";
import { personName } from "./format.js";

export function openContext({ app }) {
    const { main, words } = app;
    const merge = document.getElementById("chat-merge");

    const number = () => app.thread?.article.dataset.number;
    const said = (error) => toast(error.problem?.errors?.[0]?.detail || error.problem?.detail || error.message || words.actionFailed, { tone: "error" });

    // --- The card: a field is saved when it is left; Esc takes the old value back ----------------------

    async function save(field) {
        if (field.value.trim() === field.defaultValue) return;
        const before = field.defaultValue;
        field.setAttribute("aria-busy", "true");
        try {
            await post(`/chat/c/${number()}/contact`, new URLSearchParams({ [field.name]: field.value.trim() }), words);
            field.defaultValue = field.value.trim();
            field.removeAttribute("aria-invalid");
            app.refreshHead();
            app.list.refresh();
        } catch (error) {
            field.setAttribute("aria-invalid", "true");
            field.value = before;
            said(error);
        } finally {
            field.removeAttribute("aria-busy");
        }
    }

    const onKey = (event) => {
        const field = event.target.closest?.("[data-inline]");
        if (!field) return;
        if (event.key === "Enter" && field.tagName !== "TEXTAREA") {
            event.preventDefault();
            field.blur();
        } else if (event.key === "Escape") {
            event.stopPropagation();
            field.value = field.defaultValue;
            field.blur();
        }
    };

    // --- Joining two contacts -------------------------------------------------------------------------

    const find = debounce(async (text) => {
        const list = merge.querySelector("[data-results]");
        if (text.trim().length < 2) return list.replaceChildren();
        const mine = app.thread?.article.dataset.contact;
        try {
            const { results } = await request(`/api/v1/chat/contacts/?q=${encodeURIComponent(text)}&limit=8`);
            const others = results.filter((one) => one.id !== mine);
            list.replaceChildren(...others.map((one) => h("li", {}, h("button.menu-item", { type: "button", onclick: () => join(one.id) }, h("span.grow.truncate", {}, one.email || one.phone ? one.name || one.email || one.phone : personName(one, words)), h("span.muted.small.truncate", {}, one.email || one.phone || "")))));
            if (!others.length) list.replaceChildren(h("li.muted.small", {}, words.nobody));
        } catch (error) {
            said(error);
        }
        return null;
    }, 200);

    async function join(other) {
        const mine = app.thread?.article.dataset.contact;
        merge.close();
        try {
            const made = await request("/api/v1/chat/contacts/merge/", { method: "POST", body: { keep: mine, gone: other } });
            const undo = async () => {
                try {
                    await request(`/api/v1/chat/contacts/merges/${made.id}/undo/`, { method: "POST", body: {} });
                } catch (error) {
                    said(error);
                }
                app.refreshHead();
                app.list.refresh();
            };
            toast(words.merged, { tone: "success", stays: true, undo: { label: words.undo, act: undo } });
            app.refreshHead();
            app.list.refresh();
        } catch (error) {
            said(error);
        }
    }

    merge?.querySelector("input").addEventListener("input", (event) => find(event.target.value));

    // --- Macros ---------------------------------------------------------------------------------------

    async function run(button) {
        button.setAttribute("aria-busy", "true");
        try {
            await request(`/api/v1/chat/macros/${button.dataset.macro}/run/`, { method: "POST", body: { conversation: Number(number()) } });
            toast(words.macroDone, { tone: "success" });
            app.refreshHead();
            app.list.refresh();
        } catch (error) {
            said(error);
        } finally {
            button.removeAttribute("aria-busy");
        }
    }

    async function addNote(form) {
        const field = form.querySelector("textarea");
        const body = field.value.trim();
        if (!body) return;
        try {
            await request(`/api/v1/chat/contacts/${app.thread.article.dataset.contact}/notes/`, { method: "POST", body: { body } });
            field.value = "";
            field.blur();
            app.refreshHead();
        } catch (error) {
            said(error);
        }
    }

    const stops = [
        on(main, "submit", "form[data-note]", (event, form) => {
            event.preventDefault();
            addNote(form);
        }),
        on(main, "focusout", "[data-context] [data-inline]", (event, field) => save(field)),
        on(main, "click", "[data-macro]", (event, button) => run(button)),
        on(main, "click", "[data-merge]", () => {
            openDialog(merge);
            const field = merge.querySelector("input");
            field.value = "";
            merge.querySelector("[data-results]").replaceChildren();
            field.focus();
        }),
    ];
    main.addEventListener("keydown", onKey);

    return {
        close() {
            main.removeEventListener("keydown", onKey);
            for (const stop of stops) stop();
        },
    };
}

// Forms of the console that change a conversation: sent without leaving the page, said when refused, undone where possible.

import { cookie, on } from "../lib/dom.js";
import { toast } from "../lib/toast.js";

/** POST a form's fields to the console. Throws an Error with the server's words. */
export async function post(url, body, words) {
    const response = await fetch(url, {
        method: "POST",
        body,
        credentials: "same-origin",
        headers: { "X-Console": "action", Accept: "application/json", "X-CSRFToken": cookie("csrftoken") },
    });
    if (response.ok && !response.redirected) return response.status === 204 ? null : response.json().catch(() => null);
    const problem = await response.json().catch(() => null);
    throw Object.assign(new Error(problem?.errors?.[0]?.detail || problem?.detail || words.actionFailed), { status: response.status });
}

export function openActions({ app }) {
    const { root, words } = app;

    /** Send a form; true when it was taken. */
    async function act(form, submitter) {
        const body = new FormData(form, submitter);
        const problemBox = form.querySelector("[data-action-error]");
        if (problemBox) problemBox.hidden = true;
        (submitter ?? form).closest("[popover]:popover-open")?.hidePopover();
        submitter?.setAttribute("aria-busy", "true");
        try {
            await post(form.action, body, words);
            const details = form.closest("details");
            if (details) details.open = false;
            if ("closes" in form.dataset) form.closest("dialog")?.close();
            if (body.get("status") === "resolved") resolved(form.action);
            document.activeElement?.blur?.();
            app.refreshHead();
            app.list.refresh();
            return true;
        } catch (error) {
            const text = error instanceof TypeError ? words.actionFailed : error.message;
            if (problemBox) {
                problemBox.textContent = text;
                problemBox.hidden = false;
            } else toast(text, { tone: "error" });
            return false;
        } finally {
            submitter?.removeAttribute("aria-busy");
        }
    }

    /** The same without a form: for keys and menus. */
    async function send(path, fields) {
        const number = app.thread?.article.dataset.number;
        if (!number) return false;
        try {
            await post(`/chat/c/${number}/${path}`, new URLSearchParams(fields), words);
            if (fields.status === "resolved") resolved(`/chat/c/${number}/${path}`);
            app.refreshHead();
            app.list.refresh();
            return true;
        } catch (error) {
            toast(error instanceof TypeError ? words.actionFailed : error.message, { tone: "error" });
            return false;
        }
    }

    function resolved(url) {
        const undo = () =>
            post(url, new URLSearchParams({ status: "open" }), words).then(() => {
                app.refreshHead();
                app.list.refresh();
            });
        toast(words.resolved, { tone: "success", undo: { label: words.undo, act: undo } });
    }

    /** Resolve or reopen; `next` opens the following conversation of the list. */
    async function resolve({ next = false } = {}) {
        const article = app.thread?.article;
        if (!article || !root.querySelector("[data-may-close]")) return;
        const following = next ? app.list.neighbour(article.dataset.conversation, 1) : null;
        const status = ["resolved", "snoozed"].includes(article.dataset.status) && !next ? "open" : "resolved";
        if (!(await send("status", { status }))) return;
        if (following) app.open(following);
        else if (next) app.back();
    }

    const stops = [
        on(root, "submit", "form[data-action]", (event, form) => {
            event.preventDefault();
            act(form, event.submitter);
        }),
        on(root, "click", "[data-resolve-next]", () => resolve({ next: true })),
    ];
    return { act, send, resolve, close: () => stops.forEach((stop) => stop()) };
}

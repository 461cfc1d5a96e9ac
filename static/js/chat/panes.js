// What stands in the panes: opening a conversation, going back, and drawing its head again after a change.

import { on } from "../lib/dom.js";

const SKELETON_AFTER_MS = 200;

export function pattern(name) {
    return document.querySelector(`template[data-pattern="${name}"]`).content.firstElementChild.cloneNode(true);
}

/** A part of a page, as the server draws it. Throws with `status`; 401 when the session is over. */
export async function part(url, name, signal) {
    const response = await fetch(url, { headers: { "X-Console": name }, credentials: "same-origin", signal });
    if (response.redirected || !response.ok) throw Object.assign(new Error(response.statusText), { status: response.redirected ? 401 : response.status });
    return response.text();
}

const plainClick = (event) => event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;

/** `adopt()` takes over what was drawn into the main pane, `leave()` lets go of it. */
export function openPanes({ app, adopt, leave }) {
    const { root, main } = app;
    let opening = null;
    let refreshing = false;
    let refreshAgain = false;

    /** Show the conversation of an address beside the list. */
    async function open(url, { push = true, again = false } = {}) {
        opening?.abort();
        const mine = (opening = new AbortController());
        const slow = setTimeout(() => {
            leave();
            main.replaceChildren(pattern("loading"));
        }, SKELETON_AFTER_MS);
        root.dataset.pane = "thread";
        if (push) history.pushState({}, "", url);
        app.list.mark(app.list.idOf(url));
        try {
            const html = await part(url, "thread", mine.signal);
            clearTimeout(slow);
            leave();
            main.innerHTML = html;
            adopt();
            if (!again) main.querySelector("#chat-name")?.focus({ preventScroll: true });
        } catch (error) {
            clearTimeout(slow);
            if (mine.signal.aborted) return;
            if (error.status === 401) return location.assign(url);
            leave();
            const node = pattern(error.status === 404 ? "missing" : "error");
            node.querySelector("a")?.addEventListener("click", (event) => {
                event.preventDefault();
                if (error.status === 404) back();
                else open(url, { push: false });
            });
            main.replaceChildren(node);
        }
    }

    /** Back to the list alone: the phone's way, and Esc. */
    function back({ push = true } = {}) {
        opening?.abort();
        const url = root.querySelector("[data-back]")?.href ?? app.list.url;
        const left = app.thread?.conversation;
        leave();
        app.live.send({ type: "viewing", conversation: null });
        root.dataset.pane = "list";
        if (push) history.pushState({}, "", url);
        main.replaceChildren(pattern("pick"));
        app.list.mark(null);
        app.retitle("");
        app.list.focus(left);
    }

    /** Draw the head and the card again, after something about the conversation changed. */
    async function refreshHead() {
        const mine = app.thread;
        if (!mine) return;
        if (refreshing) {
            refreshAgain = true;
            return;
        }
        refreshing = true;
        try {
            const html = await part(mine.url, "head");
            if (app.thread !== mine) return;
            const fresh = document.createElement("template");
            fresh.innerHTML = html;
            for (const old of main.querySelectorAll("[data-fresh-thread]")) swap(old, fresh.content.querySelector(`[data-fresh-thread="${old.dataset.freshThread}"]`));
            const { dataset } = fresh.content.querySelector("[data-thread-state]");
            for (const name of ["status", "assignee", "name"]) mine.article.dataset[name] = dataset[name];
            app.refreshed?.();
        } catch {
            // The next change, or opening the conversation again, brings it.
        } finally {
            refreshing = false;
            if (refreshAgain) {
                refreshAgain = false;
                refreshHead();
            }
        }
    }

    function swap(old, next) {
        const writing = old.contains(document.activeElement) && document.activeElement.matches("input, textarea, select");
        // An open menu is being used: what it chooses from stays until it is closed.
        if (!next || writing || old.querySelector(":popover-open") || old.innerHTML === next.innerHTML) return;
        const focused = old.contains(document.activeElement);
        if (old.hasAttribute("data-shown")) next.setAttribute("data-shown", "");
        for (const open of old.querySelectorAll("details[open][id]")) next.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
        for (const box of old.querySelectorAll("[data-lazy]")) next.querySelector(`[data-lazy="${box.dataset.lazy}"]`)?.replaceChildren(...box.childNodes);
        const scrolled = old.scrollTop;
        old.replaceWith(next);
        next.scrollTop = scrolled;
        if (focused) main.querySelector("#chat-name")?.focus({ preventScroll: true });
    }

    function toggleContext(wanted) {
        const panel = main.querySelector("[data-context]");
        if (!panel) return;
        const shown = panel.toggleAttribute("data-shown", wanted);
        const button = main.querySelector(".chat-context-toggle");
        button?.setAttribute("aria-expanded", shown);
        if (shown) panel.querySelector("button, a, summary")?.focus();
        else button?.focus();
    }

    const onPop = () => {
        if (/\/c\/\d+$/.test(location.pathname)) open(location.href, { push: false });
        else back({ push: false });
        app.list.follow(location.href);
    };
    addEventListener("popstate", onPop);

    const stops = [
        on(root, "click", "a[data-open]", (event, link) => {
            if (!plainClick(event)) return;
            event.preventDefault();
            open(link.href);
        }),
        on(root, "click", "a[data-back]", (event) => {
            if (!plainClick(event)) return;
            event.preventDefault();
            back();
        }),
        on(root, "click", ".chat-list .tabs a, .chat-list .chips a, a[data-list-link]", (event, link) => {
            if (!plainClick(event)) return;
            event.preventDefault();
            link.closest("[popover]:popover-open")?.hidePopover();
            app.list.go(link.href, app.thread?.article.dataset.number ?? null);
        }),
        on(root, "click", "[data-context-toggle]", () => toggleContext()),
    ];

    return {
        open,
        back,
        refreshHead,
        toggleContext,
        leaveContext: () => Boolean(main.querySelector("[data-context][data-shown]")) && (toggleContext(false), true),
        close() {
            opening?.abort();
            removeEventListener("popstate", onPop);
            for (const stop of stops) stop();
        },
    };
}

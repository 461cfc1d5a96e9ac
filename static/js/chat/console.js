// The agents' console: keeps list and thread in step with the server, and sends what was written whatever the line does.
//
// The server draws; this module replaces parts it draws again, and adds lines to the open thread by the same markup.

import { connection } from "../lib/connection.js";
import { cookie, on, request } from "../lib/dom.js";
import { connect } from "../lib/socket.js";
import { toast } from "../lib/toast.js";
import { openComposer } from "./composer.js";
import { useZone } from "./format.js";
import { bindKeys } from "./keys.js";
import { openList } from "./list.js";
import { openOutbox } from "./outbox.js";
import { openThread } from "./thread.js";

const ACK_MS = 10_000;
const SKELETON_AFTER_MS = 200;
const PILL_AFTER_MS = 1_500;

export function start(root) {
    const words = JSON.parse(document.getElementById("chat-words").textContent);
    const me = { id: root.dataset.user, name: root.dataset.userName };
    useZone(root.dataset.zone);
    const main = root.querySelector("[data-main]");
    const announce = root.querySelector("[data-announce]");
    const suffix = document.title;
    const acks = new Map();
    const stops = [];
    // Where the tenant's history stood when the page was drawn: what happened since is sent with the welcome.
    let cursor = root.dataset.cursor || null;
    let thread = null;
    let composer = null;
    let outbox = null;
    let waiting = [];
    let opening = null;

    const live = connect({
        url: root.dataset.socket,
        // The session cookie says who we are; the cursor says what we have seen.
        hello: async () => (cursor ? { cursor } : {}),
        fetchEvents,
        apply: (event) => thread?.apply(event),
    });
    const list = openList({ root, words, current: () => thread?.conversation ?? null });

    // Only the open thread is followed; the API names conversations by number.
    async function fetchEvents(conversation, after) {
        if (conversation !== thread?.conversation) return { events: [], has_more: false };
        try {
            return await request(`/api/v1/chat/conversations/${thread.article.dataset.number}/events/?after_seq=${after}`);
        } catch (error) {
            // Too long away: what happened is no longer kept one by one, so the thread is drawn afresh.
            if (error.status === 410) open(thread.url, { push: false, again: true });
            throw error;
        }
    }

    // --- The line -----------------------------------------------------------------------------------

    let pill = 0;

    function showLine() {
        clearTimeout(pill);
        const queued = waiting.filter((item) => item.state !== "failed").length;
        const state = { connected: "online", offline: "offline", forbidden: "offline" }[live.state] ?? "connecting";
        if (state === "connecting") pill = setTimeout(() => connection(state, { queued }), PILL_AFTER_MS);
        else connection(state, { queued });
    }

    live.on("state", (state) => {
        if (state !== "connected") for (const { reject } of acks.values()) reject({});
        showLine();
    });
    live.on("welcome", (frame) => {
        // A later welcome is ahead of the events it is about to send again; heartbeats move the cursor.
        cursor ??= frame.cursor;
        if (thread) live.send({ type: "viewing", conversation: thread.conversation });
        thread?.seen();
        outbox?.flushNow();
    });
    live.on("hb", (frame) => {
        cursor = frame.cursor ?? cursor;
        const known = list.heads();
        if (Object.entries(frame.heads ?? {}).some(([id, head]) => head > (known.get(id) ?? 0))) list.refresh();
    });
    live.on("event", (event) => {
        list.apply(event);
        if (event.conversation === thread?.conversation) return;
        if (event.event === "message.created" && event.data.direction === "in") announce.textContent = words.arrived.replace("%(name)s", event.data.author?.name || words.visitor);
    });
    live.on("typing", (frame) => frame.by?.id !== me.id && thread?.typing(frame));
    live.on("viewers", (frame) => {
        const users = frame.users.filter((user) => user.id !== me.id);
        list.viewers(frame.conversation, users);
        if (frame.conversation === thread?.conversation) thread.viewers(users);
    });
    live.on("visitor", (frame) => {
        list.visitor(frame);
        thread?.visitor(frame);
    });
    live.on("resync_required", (frame) => {
        if (!frame.conversation) cursor = null;
        list.refresh();
        if (thread && (!frame.conversation || frame.conversation === thread.conversation)) open(thread.url, { push: false, again: true });
    });
    live.on("msg.ack", (frame) => acks.get(frame.client_id)?.resolve(frame));
    live.on("msg.nack", (frame) => acks.get(frame.client_id)?.reject(refusal(frame)));
    live.on("bye", (frame) => {
        // Logged out somewhere else? Only when the pages say so too; else a proxy that loses cookies would reload for ever.
        if (frame.code === 4001) part(list.url, "list").catch((error) => error.status === 401 && location.reload());
    });

    // --- Sending ------------------------------------------------------------------------------------

    function refusal({ code, detail, retry_after: retryAfter }) {
        const passing = retryAfter || ["rate_limited", "temporary_failure", "internal_error"].includes(code);
        return { permanent: !passing, reason: detail, retryAfter };
    }

    function overSocket(item) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject({}), ACK_MS);
            acks.set(item.client_id, { resolve, reject, timer });
            const frame = { type: "msg.send", client_id: item.client_id, conversation: item.thread, body: item.body, private: item.private };
            if (!live.send(frame)) reject({});
        }).finally(() => {
            clearTimeout(acks.get(item.client_id)?.timer);
            acks.delete(item.client_id);
        });
    }

    async function deliver(item) {
        if (live.state === "connected") return overSocket(item);
        try {
            const body = { client_id: item.client_id, body: item.body, private: item.private };
            return await request(`/api/v1/chat/conversations/${item.number}/messages/`, { method: "POST", body, signal: AbortSignal.timeout(ACK_MS) });
        } catch (error) {
            const lasting = error.status >= 400 && error.status < 500 && ![401, 408, 425, 429].includes(error.status);
            throw { permanent: lasting, reason: error.problem?.detail ?? "" };
        }
    }

    openOutbox({
        name: `outbox:agent:${me.id}`,
        deliver,
        sent: (item, result) => {
            if (item.thread === thread?.conversation) thread.confirmed(item, result);
        },
        changed: (items) => {
            waiting = items;
            thread?.setWaiting(items);
            showLine();
        },
    }).then((opened) => {
        outbox = opened;
        outbox.flushNow();
    });
    addEventListener("online", () => outbox?.flushNow());

    // --- Opening ------------------------------------------------------------------------------------

    function adopt() {
        leave();
        const article = main.querySelector("[data-thread]");
        list.mark(article?.dataset.conversation ?? null);
        if (!article) {
            document.title = suffix.split(" · ").slice(-2).join(" · ");
            return;
        }
        thread = openThread({
            article,
            words,
            me,
            retry: (id) => outbox?.retry(id),
            discard: (id) => outbox?.remove(id),
            read: (seq) => live.send({ type: "read", conversation: article.dataset.conversation, seq }),
            stale: refreshHead,
        });
        thread.url = article.dataset.url;
        thread.setWaiting(waiting);
        composer = openComposer({
            article,
            me,
            send: (fields) => {
                outbox?.add({ thread: article.dataset.conversation, number: article.dataset.number, ...fields });
                thread?.toEnd();
            },
            typing: (state, hidden) => live.send({ type: "typing", conversation: article.dataset.conversation, on: state, private: hidden }),
        });
        live.follow(thread.conversation, thread.seq);
        live.send({ type: "viewing", conversation: thread.conversation });
        document.title = [article.dataset.name, ...suffix.split(" · ").slice(-2)].join(" · ");
        thread.seen();
        showLine();
    }

    function leave() {
        composer?.close();
        composer = null;
        if (!thread) return;
        live.unfollow(thread.conversation);
        thread.close();
        thread = null;
    }

    async function part(url, name, signal) {
        const response = await fetch(url, { headers: { "X-Console": name }, credentials: "same-origin", signal });
        if (response.redirected || !response.ok) throw Object.assign(new Error(response.statusText), { status: response.redirected ? 401 : response.status });
        return response.text();
    }

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
        list.mark(list.idOf(url));
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
            if (error.status === 401) location.assign(url);
            leave();
            const node = pattern("error");
            const link = node.querySelector("a");
            if (link) link.href = url;
            link?.addEventListener("click", (event) => {
                event.preventDefault();
                open(url, { push: false });
            });
            main.replaceChildren(node);
        }
    }

    /** Back to the list alone: the phone's way, and Esc. */
    function back({ push = true } = {}) {
        opening?.abort();
        const url = root.querySelector("[data-back]")?.href ?? list.url;
        const left = thread?.conversation;
        leave();
        live.send({ type: "viewing", conversation: null });
        root.dataset.pane = "list";
        if (push) history.pushState({}, "", url);
        main.replaceChildren(pattern("pick"));
        list.mark(null);
        document.title = suffix.split(" · ").slice(-2).join(" · ");
        list.focus(left);
    }

    let refreshing = false;
    let refreshAgain = false;

    /** Draw the head and the card again, after something about the conversation changed. */
    async function refreshHead() {
        if (refreshing) {
            refreshAgain = true;
            return;
        }
        refreshing = true;
        const mine = thread;
        try {
            const html = await part(mine.url, "thread");
            if (thread !== mine) return;
            const fresh = document.createElement("template");
            fresh.innerHTML = html;
            for (const old of main.querySelectorAll("[data-fresh-thread]")) {
                const next = fresh.content.querySelector(`[data-fresh-thread="${old.dataset.freshThread}"]`);
                const writing = old.contains(document.activeElement) && document.activeElement.matches("input, textarea");
                if (!next || writing) continue;
                const focused = old.contains(document.activeElement);
                if (old.hasAttribute("data-shown")) next.setAttribute("data-shown", "");
                old.replaceWith(next);
                if (focused) main.querySelector("#chat-name")?.focus({ preventScroll: true });
            }
            showLine();
            const article = fresh.content.querySelector("[data-thread]");
            for (const name of ["status", "assignee", "name"]) mine.article.dataset[name] = article.dataset[name];
        } catch {
            // The next change, or opening the conversation again, brings it.
        } finally {
            refreshing = false;
            if (refreshAgain) {
                refreshAgain = false;
                if (thread) refreshHead();
            }
        }
    }

    function pattern(name) {
        return document.querySelector(`template[data-pattern="${name}"]`).content.firstElementChild.cloneNode(true);
    }

    // --- What people do -----------------------------------------------------------------------------

    async function act(form, submitter) {
        const body = new FormData(form, submitter);
        const problemBox = form.querySelector("[data-action-error]");
        if (problemBox) problemBox.hidden = true;
        if (form.matches(":popover-open")) form.hidePopover();
        submitter?.setAttribute("aria-busy", "true");
        try {
            const response = await fetch(form.action, {
                method: "POST",
                body,
                credentials: "same-origin",
                headers: { "X-Console": "action", Accept: "application/json", "X-CSRFToken": cookie("csrftoken") },
            });
            if (!response.ok || response.redirected) {
                const problem = await response.json().catch(() => null);
                throw new Error(problem?.detail || words.actionFailed);
            }
            const details = form.closest("details");
            if (details) details.open = false;
            if (body.get("status") === "resolved") resolved(form.action);
            document.activeElement?.blur?.();
            if (thread) refreshHead();
            list.refresh();
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

    function resolved(url) {
        const undo = () =>
            fetch(url, {
                method: "POST",
                body: new URLSearchParams({ status: "open" }),
                credentials: "same-origin",
                headers: { "X-Console": "action", "X-CSRFToken": cookie("csrftoken") },
            }).then(() => {
                if (thread) refreshHead();
                list.refresh();
            });
        toast(words.resolved, { tone: "success", undo: { label: words.undo, act: undo } });
    }

    function plainClick(event) {
        return event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
    }

    stops.push(
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
        on(root, "click", ".tabs a, .chips a, a[data-list-link]", (event, link) => {
            if (!plainClick(event)) return;
            event.preventDefault();
            list.go(link.href, thread?.article.dataset.number ?? null);
        }),
        on(root, "click", "[data-context-toggle]", () => toggleContext()),
        on(root, "submit", "form[data-action]", (event, form) => {
            event.preventDefault();
            act(form, event.submitter);
        }),
    );

    function toggleContext() {
        const panel = main.querySelector("[data-context]");
        if (!panel) return;
        const shown = panel.toggleAttribute("data-shown");
        const button = main.querySelector(".chat-context-toggle");
        button?.setAttribute("aria-expanded", shown);
        if (shown) panel.querySelector("button, a, summary")?.focus();
        else button?.focus();
    }

    const onPop = () => {
        if (/\/c\/\d+$/.test(location.pathname)) open(location.href, { push: false });
        else back({ push: false });
        list.follow(location.href);
    };
    addEventListener("popstate", onPop);
    const onVisible = () => {
        if (document.visibilityState === "visible") {
            thread?.seen();
            list.refresh();
        }
    };
    document.addEventListener("visibilitychange", onVisible);

    stops.push(
        bindKeys({
            list,
            back,
            reply: (hidden) => composer?.focus(hidden),
            menu: (id) => document.getElementById(id)?.isConnected && main.querySelector(`[popovertarget="${id}"]`)?.click(),
            takeIt: () => {
                const button = main.querySelector('#chat-assign [value="me"]');
                if (button) act(button.form, button);
            },
            async resolve(thenNext) {
                const button = main.querySelector("[data-resolve] button");
                const next = thenNext ? list.neighbour(thread?.conversation, 1) : null;
                if (!button || !(await act(button.form, button))) return;
                if (next) open(next);
            },
            toggleContext,
            leaveContext: () => main.querySelector("[data-context][data-shown]") && (toggleContext(), true),
            hasThread: () => Boolean(thread),
        }),
    );

    adopt();
    showLine();
    // From here on keys and clicks are ours; before, links and forms did the work.
    root.dataset.running = "";

    return () => {
        leave();
        live.close();
        outbox?.close();
        list.close();
        for (const stop of stops) stop();
        removeEventListener("popstate", onPop);
        document.removeEventListener("visibilitychange", onVisible);
        connection("idle");
    };
}

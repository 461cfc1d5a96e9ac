// The agents' console: keeps list and thread in step with the server, and sends what was written whatever the line does.
//
// The server draws; these modules replace parts it draws again, and add lines to the open thread by the same markup.
// `app` is what they share: the page, the stream, the list, the open thread, and the verbs that lead elsewhere.

import { connection } from "../lib/connection.js";
import { request } from "../lib/dom.js";
import { connect } from "../lib/socket.js";
import { toast } from "../lib/toast.js";
import { openActions } from "./actions.js";
import { openAlerts } from "./alerts.js";
import { openAvailability } from "./availability.js";
import { openCalls } from "./call.js";
import { openComposer } from "./composer.js";
import { openContext } from "./context.js";
import { openDelivery } from "./delivery.js";
import { useZone } from "./format.js";
import { bindKeys } from "./keys.js";
import { openList } from "./list.js";
import { openLightbox } from "./media.js";
import { openMessageMenu } from "./message-menu.js";
import { openPanes, part } from "./panes.js";
import { openSettling } from "./pix.js";
import { openThread } from "./thread.js";

const PILL_AFTER_MS = 1_500;

export function start(root) {
    const words = JSON.parse(document.getElementById("chat-words").textContent);
    const me = { id: root.dataset.user, name: root.dataset.userName };
    useZone(root.dataset.zone);
    const main = root.querySelector("[data-main]");
    const announcer = root.querySelector("[data-announce]");
    const suffix = document.title.split(" · ").slice(-2).join(" · ");
    // Where the tenant's history stood when the page was drawn: what happened since is sent with the welcome.
    let cursor = root.dataset.cursor || null;
    let waiting = [];
    let title = "";

    const app = { root, main, words, me, thread: null, composer: null, mayReply: "mayReply" in root.dataset };
    app.announce = (text) => (announcer.textContent = text);
    app.retitle = (name) => {
        title = name;
        document.title = [app.alerts?.badge(), title, suffix].filter(Boolean).join(" · ");
    };

    const live = (app.live = connect({
        url: root.dataset.socket,
        // The session cookie says who we are; the cursor says what we have seen.
        hello: async () => (cursor ? { cursor } : {}),
        fetchEvents,
        apply: (event) => app.thread?.apply(event),
    }));
    const list = (app.list = openList({ app, current: () => app.thread?.conversation ?? null }));
    const delivery = openDelivery({
        app,
        live,
        sent: (item, result) => {
            if (item.thread === app.thread?.conversation) app.thread.confirmed(item, result);
            if (item.then === "resolve") app.actions.resolve({ next: false });
        },
        changed: (items) => {
            waiting = items;
            app.thread?.setWaiting(items);
            showLine();
        },
    });
    const panes = openPanes({ app, adopt, leave });
    Object.assign(app, { open: panes.open, back: panes.back, refreshHead: panes.refreshHead, toggleContext: panes.toggleContext, leaveContext: panes.leaveContext });
    app.actions = openActions({ app });
    app.alerts = openAlerts({ app, retitle: () => app.retitle(title) });
    app.availability = openAvailability({ app });
    const context = openContext({ app });
    const messageMenu = openMessageMenu({ app });
    const lightbox = openLightbox({ app });
    const settling = openSettling({ app });
    const calls = (app.calls = openCalls({ app }));

    // Only the open thread is followed; the API names conversations by number.
    async function fetchEvents(conversation, after) {
        const { thread } = app;
        if (conversation !== thread?.conversation) return { events: [], has_more: false };
        try {
            return await request(`/api/v1/chat/conversations/${thread.article.dataset.number}/events/?after_seq=${after}`);
        } catch (error) {
            // Too long away: what happened is no longer kept one by one, so the thread is drawn afresh.
            if (error.status === 410) panes.open(thread.url, { push: false, again: true });
            throw error;
        }
    }

    // --- The line -----------------------------------------------------------------------------------

    let pill = 0;

    function showLine() {
        clearTimeout(pill);
        root.dataset.stream = live.state;
        const queued = waiting.filter((item) => item.state !== "failed").length;
        const state = { connected: "online", offline: "offline", forbidden: "offline" }[live.state] ?? "connecting";
        if (state === "connecting") pill = setTimeout(() => connection(state, { queued }), PILL_AFTER_MS);
        else connection(state, { queued });
    }
    app.refreshed = () => {
        app.availability.paint();
        showLine();
    };

    live.on("state", showLine);
    live.on("welcome", (frame) => {
        // A later welcome is ahead of the events it is about to send again; heartbeats move the cursor.
        cursor ??= frame.cursor;
        app.availability.team(frame.presence ?? {});
        if (app.thread) live.send({ type: "viewing", conversation: app.thread.conversation });
        app.thread?.seen();
        delivery.flushNow();
    });
    live.on("hb", (frame) => {
        cursor = frame.cursor ?? cursor;
        const known = list.heads();
        if (Object.entries(frame.heads ?? {}).some(([id, head]) => head > (known.get(id) ?? 0))) list.refresh();
    });
    live.on("event", (event) => {
        list.apply(event);
        app.alerts.heard(event);
    });
    live.on("typing", (frame) => frame.by?.id !== me.id && frame.conversation === app.thread?.conversation && app.thread.typing(frame));
    live.on("preview", (frame) => frame.conversation === app.thread?.conversation && app.thread.typing({ ...frame, on: true, preview: frame.text }));
    live.on("viewers", (frame) => {
        const users = frame.users.filter((user) => user.id !== me.id);
        list.viewers(frame.conversation, users);
        if (frame.conversation === app.thread?.conversation) app.thread.viewers(users);
    });
    live.on("visitor", (frame) => {
        list.visitor(frame);
        app.thread?.visitor(frame);
    });
    live.on("presence", (frame) => app.availability.heard(frame));
    live.on("notification", (frame) => app.alerts.told(frame));
    live.on("support_request", ({ text, action, url }) => toast(text, { stays: true, undo: { label: action, act: () => location.assign(url) } }));
    live.on("resync_required", (frame) => {
        if (!frame.conversation) cursor = null;
        list.refresh();
        const { thread } = app;
        if (thread && (!frame.conversation || frame.conversation === thread.conversation)) panes.open(thread.url, { push: false, again: true });
    });
    live.on("bye", (frame) => {
        // Logged out somewhere else? Only when the pages say so too; else a proxy that loses cookies would reload for ever.
        if (frame.code === 4001) part(list.url, "list").catch((error) => error.status === 401 && location.reload());
    });

    // --- The open conversation ------------------------------------------------------------------------

    function adopt() {
        leave();
        const article = main.querySelector("[data-thread]");
        list.mark(article?.dataset.conversation ?? null);
        if (!article) return app.retitle("");
        const { conversation, number } = article.dataset;
        const thread = (app.thread = openThread({
            article,
            words,
            me,
            announce: app.announce,
            retry: delivery.retry,
            discard: delivery.remove,
            read: (seq) => app.mayReply && live.send({ type: "read", conversation, seq }),
            stale: panes.refreshHead,
            arrived: (message) => app.composer?.window.heard(message.created_at),
        }));
        thread.url = article.dataset.url;
        thread.setWaiting(waiting);
        app.composer = openComposer({
            app,
            article,
            send: (fields) => {
                delivery.add({ thread: conversation, number, ...fields });
                thread.toEnd();
            },
            typing: (state, hidden) => live.send({ type: "typing", conversation, on: state, private: hidden }),
        });
        live.follow(conversation, thread.seq);
        live.send({ type: "viewing", conversation });
        app.retitle(article.dataset.name);
        thread.seen();
        app.availability.paint();
        showLine();
    }

    function leave() {
        app.composer?.close();
        app.composer = null;
        messageMenu.leave();
        if (!app.thread) return;
        live.unfollow(app.thread.conversation);
        app.thread.close();
        app.thread = null;
    }

    const onVisible = () => {
        if (document.visibilityState !== "visible") return;
        app.thread?.seen();
        list.refresh();
    };
    document.addEventListener("visibilitychange", onVisible);
    const unbind = bindKeys({ app });

    adopt();
    showLine();
    // From here on keys and clicks are ours; before, links and forms did the work.
    root.dataset.running = "";

    return () => {
        leave();
        live.close();
        for (const one of [delivery, list, panes, app.actions, app.alerts, app.availability, context, messageMenu, lightbox, settling, calls]) one.close();
        unbind();
        document.removeEventListener("visibilitychange", onVisible);
        connection("idle");
    };
}

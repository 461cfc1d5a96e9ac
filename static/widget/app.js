// The conversation itself, inside the frame: session, live stream, outbox, and the words with the page around.

import { openChannel, openOutbox } from "../js/chat/outbox.js";
import { connect, uuid } from "../js/lib/socket.js";
import { createApi, Refused } from "./api.js";
import { createModel } from "./model.js";
import { openStorage } from "./storage.js";
import { createView } from "./view.js";

const boot = JSON.parse(document.getElementById("boot").textContent);
const ACK_MS = 10_000;
const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 6_000;
const TYPING_SHOWN_MS = 10_000;

const storage = openStorage(boot.inbox);
const model = createModel();
const api = createApi({ base: boot.api, inbox: boot.inbox, storage, identity });
const view = createView({
    root: document.getElementById("app"),
    boot,
    actions: { home, open, newThread, send, draft, retry: (id) => outbox?.retry(id), discard: (id) => outbox?.remove(id), close: () => tell("close") },
});

const embedded = window.parent !== window;
const acks = new Map();
const drafts = new Map();
let host = null;
let live = null;
let outbox = null;
let screen = "thread";
let current = `new:${uuid()}`;
let moved = false;
let isOpen = !embedded;
let online = Boolean(boot.online);
let trouble = "";
let loading = false;
let drawing = 0;
let lastPage = null;
let closing = false;

// --- The page around --------------------------------------------------------------------------------

function tell(type, detail) {
    if (host) window.parent.postMessage({ type, ...detail }, host);
}

function happened(event, detail = {}) {
    tell("event", { event, detail });
}

function allowed(origin) {
    return origin === location.origin || !boot.origins.length || boot.origins.includes(origin.toLowerCase());
}

addEventListener("message", ({ data, source, origin }) => {
    if (source !== window.parent || !embedded || !allowed(origin) || typeof data?.type !== "string") return;
    if (host && host !== origin) return;
    if (boot.preview) {
        if (data.type === "preview" && origin === location.origin) {
            Object.assign(boot, data.words);
            draw();
        }
    } else if (data.type === "init") {
        host = origin;
        isOpen = data.open === true;
        lastPage = data.page ?? null;
        theme(data.settings?.theme);
        tell("ready");
        draw();
    } else if (data.type === "opened" || data.type === "closed") {
        isOpen = data.type === "opened";
        if (isOpen) view.focus();
        seen();
        draw();
    } else if (data.type === "command" && Object.hasOwn(commands, data.command)) {
        commands[data.command](...(Array.isArray(data.args) ? data.args : []));
    }
});

const commands = {
    identify(person) {
        const { identifier, hash, name, email, phone } = person ?? {};
        storage.set("identity", JSON.stringify({ identifier, identifier_hash: hash, name, email, phone }));
        if (live || storage.get("visitor")) begin({ renew: true });
    },
    send: (text) => typeof text === "string" && text.trim() && send(text.trim()),
    newThread,
    async setLocale(locale) {
        const response = await fetch(`${boot.textsUrl}?locale=${encodeURIComponent(locale)}`, { credentials: "omit" });
        if (!response.ok) return;
        Object.assign(boot, await response.json());
        view.setTexts(boot);
        draw();
    },
    setTheme: theme,
    page(url) {
        lastPage = { ...lastPage, url: String(url) };
        sendPage();
    },
    shutdown,
};

function theme(name) {
    if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
}

function identity() {
    const known = JSON.parse(storage.get("identity") ?? "{}");
    return Object.fromEntries(Object.entries(known).filter(([, value]) => value));
}

async function shutdown() {
    closing = true;
    live?.close();
    live = null;
    await outbox?.clear();
    storage.clear();
    api.forget();
    model.clear();
    tabs?.postMessage({ type: "wiped" });
    tell("wiped");
}

// --- The same visitor's other tabs ------------------------------------------------------------------

const tabs = boot.preview ? null : openChannel(`tabs:${boot.inbox}`);

if (tabs) {
    tabs.onmessage = ({ data }) => {
        if (data.type === "wiped") return location.reload();
        // The server tells only those who already follow a conversation; the tab that began one tells the others.
        if (data.type === "begun") begun(data.local, data.conversation);
    };
}

/** A conversation has its real name now: its lines keep their places on the screen. */
function begun(local, conversation) {
    model.addConversation(conversation);
    if (current === local) {
        drafts.set(conversation.id, drafts.get(local) ?? "");
        moved = true;
        show(conversation.id);
        loading = false;
    }
    if (!live) begin().catch(() => {});
    else if (live.last(conversation.id) === undefined) live.follow(conversation.id, conversation.last_seq);
    draw();
}

// --- Session and stream -----------------------------------------------------------------------------

let beginning = null;

/** Open the visitor's session once; everything that needs the server waits for it. */
function begin({ renew = false } = {}) {
    if (renew) beginning = null;
    beginning ??= api.session().then(welcome, (error) => {
        beginning = null;
        trouble = error instanceof Refused && error.permanent ? "closed" : "connecting";
        if (trouble === "closed") happened("error", { code: error.code });
        else setTimeout(() => storage.get("visitor") && begin().catch(() => {}), 3_000 + Math.random() * 4_000);
        draw();
        throw error;
    });
    return beginning;
}

function welcome(session) {
    trouble = "";
    tell("known");
    for (const talk of session.conversations ?? []) model.addConversation(talk);
    const ongoing = model.recent().find((talk) => talk.status !== "resolved");
    if (untouched()) {
        if (ongoing) show(ongoing.id);
        else if (model.conversations.size) screen = "home";
    }
    if (!live) {
        live = connect({
            url: boot.socket,
            hello: async ({ fresh }) => ({ token: await api.token({ fresh }) }),
            fetchEvents,
            apply,
        });
        live.on("state", onState);
        live.on("welcome", (frame) => {
            online = frame.presence?.online === true;
            sendPage();
            outbox.flushNow();
            seen();
        });
        live.on("msg.ack", (frame) => settle(frame, "resolve", frame));
        live.on("msg.nack", (frame) => settle(frame, "reject", refusal(frame)));
        live.on("typing", onTyping);
        live.on("presence", (frame) => {
            online = frame.online === true;
            draw();
        });
        live.on("resync_required", () => location.reload());
    }
    for (const talk of model.conversations.values()) {
        if (live.last(talk.id) === undefined) live.follow(talk.id, talk.id === current ? 0 : talk.last_seq);
    }
    outbox.flushNow();
    report();
    draw();
    return session;
}

/** Nobody wrote or chose anything here yet, so the conversation that goes on may take the screen. */
function untouched() {
    return current.startsWith("new:") && !drafts.get(current) && !outbox.items.some((item) => item.thread === current);
}

function onState(state) {
    const lost = state === "reconnecting" || state === "offline";
    if (lost) for (const { reject } of acks.values()) reject({});
    if (state === "connected" && trouble === "connecting") trouble = "";
    // Losses shorter than two seconds are not worth a word.
    if (lost) setTimeout(() => live && live.state !== "connected" && ((trouble = navigator.onLine ? "connecting" : "offline"), draw()), 2_000);
    if (state === "connected") {
        trouble = "";
        happened("online");
    } else if (lost) happened("offline");
    draw();
}

function fetchEvents(id, after) {
    return api.events(id, after);
}

function apply(event) {
    const message = model.apply(event);
    const talk = model.conversations.get(event.conversation);
    if (message?.direction === "out" || message?.direction === "bot") {
        const old = message.seq <= (talk?.head ?? 0);
        if (!old) {
            if (talk && !watching(event.conversation)) talk.unread = (talk.unread ?? 0) + 1;
            acknowledge(event.conversation);
            happened("message:received", { conversation: event.conversation, text: message.body, from: message.author?.name ?? "" });
            report();
        }
    }
    if (event.event === "conversation.assigned" && event.data.assignee) happened("agent:joined", { name: event.data.assignee.name });
    if (event.event === "conversation.status" && event.data.status === "resolved") happened("conversation:ended", { conversation: event.conversation });
    if (loading && event.conversation === current && event.seq >= (talk?.head ?? 0)) loading = false;
    seen();
    draw();
}

// --- Reading and receipts ---------------------------------------------------------------------------

function watching(id) {
    return isOpen && screen === "thread" && current === id && document.visibilityState === "visible";
}

const acknowledged = new Map();
let acknowledging = 0;

/** Tell that messages arrived on this device; one frame for a burst. */
function acknowledge(id) {
    clearTimeout(acknowledging);
    acknowledging = setTimeout(() => {
        const seq = live?.last(id);
        if (seq && acknowledged.get(id) !== seq && live.send({ type: "ack", conversation: id, seq })) acknowledged.set(id, seq);
    }, 150);
}

const marked = new Map();

function seen() {
    const talk = model.conversations.get(current);
    if (!talk || !watching(current)) return;
    const seq = live?.last(current) ?? 0;
    if (!seq || (!talk.unread && (marked.get(current) ?? talk.contact_seen_seq ?? 0) >= seq)) return;
    if (marked.get(current) === seq) return;
    if (!live.send({ type: "read", conversation: current, seq })) return;
    marked.set(current, seq);
    talk.unread = 0;
    report();
}

let reported = 0;

function report() {
    const count = model.unread();
    if (count !== reported) happened("unread", { count });
    reported = count;
}

addEventListener("visibilitychange", () => {
    seen();
    draw();
});

function sendPage() {
    if (lastPage?.url) live?.send({ type: "page", url: lastPage.url.slice(0, 500), title: (lastPage.title ?? "").slice(0, 200) });
}

// --- Typing -----------------------------------------------------------------------------------------

let typedAt = 0;
let typingEnds = 0;

function draft(value) {
    drafts.set(current, value);
    if (!value || current.startsWith("new:")) return stopTyping();
    if (Date.now() - typedAt > TYPING_EVERY_MS) {
        typedAt = Date.now();
        live?.send({ type: "typing", conversation: current, on: true });
    }
    clearTimeout(typingEnds);
    typingEnds = setTimeout(stopTyping, TYPING_ENDS_MS);
}

function stopTyping() {
    clearTimeout(typingEnds);
    if (typedAt && !current.startsWith("new:")) live?.send({ type: "typing", conversation: current, on: false });
    typedAt = 0;
}

function onTyping({ conversation, on, by }) {
    if (by?.kind === "contact") return;
    const mine = model.thread(conversation);
    clearTimeout(mine.typingTimer);
    mine.typing = on ? by?.name || boot.name : null;
    if (on) {
        mine.typingTimer = setTimeout(() => {
            mine.typing = null;
            draw();
        }, TYPING_SHOWN_MS);
    }
    draw();
}

// --- Sending ----------------------------------------------------------------------------------------

async function send(body) {
    const thread = current;
    drafts.delete(thread);
    stopTyping();
    if (screen !== "thread") screen = "thread";
    // From now on the page brings the frame by itself: what waits here must not wait for a click.
    tell("known");
    await ready;
    await outbox.add({ thread, body });
}

function refusal(frame) {
    const passing = ["rate_limited", "temporary_failure", "internal_error"].includes(frame.code) || frame.retry_after;
    return { permanent: !passing, reason: frame.detail, retryAfter: frame.retry_after };
}

function settle(frame, how, value) {
    acks.get(frame.client_id)?.[how](value);
}

function overSocket(item) {
    return new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject({}), ACK_MS);
        acks.set(item.client_id, { resolve, reject });
        if (!live.send({ type: "msg.send", client_id: item.client_id, conversation: item.thread, body: item.body })) reject({});
        acks.get(item.client_id).timer = timer;
    }).finally(() => {
        clearTimeout(acks.get(item.client_id)?.timer);
        acks.delete(item.client_id);
    });
}

async function deliver(item) {
    if (closing) throw {};
    await begin();
    if (!item.thread.startsWith("new:")) {
        const body = { client_id: item.client_id, body: item.body };
        return live?.state === "connected" ? overSocket(item) : api.post(item.thread, body);
    }
    const talk = await api.start({
        client_id: item.thread.slice(4),
        first_message: { client_id: item.client_id, body: item.body },
        ...(lastPage?.url ? { page_url: lastPage.url.slice(0, 500), referrer: (lastPage.referrer ?? "").slice(0, 500) } : {}),
    });
    return { conversation: talk };
}

async function sent(item, result) {
    let id = item.thread;
    if (typeof result.conversation === "string" && result.conversation !== id && !id.startsWith("new:")) {
        // The old conversation was closed too long ago: the message began a new one.
        await begin({ renew: true });
        if (current === id) show(result.conversation);
    } else if (result.conversation?.id) {
        id = result.conversation.id;
        begun(item.thread, result.conversation);
        tabs?.postMessage({ type: "begun", local: item.thread, conversation: result.conversation });
        await outbox.rename(item.thread, id);
        happened("conversation:started", { conversation: id });
    } else if (result.seq) {
        model.put(id, { id: result.id, client_id: item.client_id, seq: result.seq, direction: "in", body: item.body, created_at: result.created_at ?? new Date(item.at).toISOString(), delivery: "sent" });
        const talk = model.conversations.get(id);
        if (talk) Object.assign(talk, { preview: item.body, preview_direction: "in", last_message_at: result.created_at ?? new Date().toISOString() });
    }
    happened("message:sent", { conversation: id, text: item.body });
    draw();
}

// --- Screens ----------------------------------------------------------------------------------------

function home() {
    if (!model.conversations.size) return;
    stopTyping();
    screen = "home";
    draw();
    view.focus();
}

function show(id) {
    screen = "thread";
    current = id;
    const talk = model.conversations.get(id);
    const mine = model.thread(id);
    if (talk && !mine.loaded) {
        mine.loaded = true;
        talk.head = talk.last_seq;
        loading = talk.last_seq > 0;
        if (live) {
            live.unfollow(id);
            live.follow(id, 0);
            live.catchUp();
        }
    }
}

function open(id) {
    show(id);
    seen();
    draw();
    view.focus();
}

function newThread() {
    stopTyping();
    screen = "thread";
    current = `new:${uuid()}`;
    draw();
    view.focus();
}

function draw() {
    if (drawing) return;
    drawing = requestAnimationFrame(() => {
        drawing = 0;
        paint();
    });
    // A hidden frame gets no animation frames, but the badge and the log must not wait for it.
    if (document.visibilityState === "hidden" || !isOpen) {
        cancelAnimationFrame(drawing);
        drawing = 0;
        paint();
    }
}

/** Who wrote last, while nobody is named as responsible. */
function answering(id) {
    const last = model.lines(id).findLast((line) => line.kind === "out" && line.name);
    return last ? { name: last.name } : null;
}

function paint() {
    const talk = model.conversations.get(current);
    view.draw({
        screen,
        thread: current,
        moved,
        online,
        trouble,
        loading,
        agent: talk?.assignee ?? answering(current),
        canGoHome: model.conversations.size > 0,
        recent: model.recent(),
        lines: model.lines(current),
        typing: model.thread(current).typing,
        draft: drafts.get(current) ?? "",
    });
    moved = false;
}

// --- Start ------------------------------------------------------------------------------------------

if (boot.preview) document.getElementById("app").inert = true;

const ready = openOutbox({
    name: `outbox:${boot.inbox}`,
    deliver,
    sent,
    changed(items) {
        model.setWaiting(items);
        const failed = items.find((item) => item.state === "failed");
        if (failed) view.announce(failed.reason || boot.texts.failed);
        draw();
    },
}).then((opened) => {
    outbox = opened;
    // A thread that never reached the server before the reload goes on where it was.
    const unborn = outbox.items.find((item) => item.thread.startsWith("new:"));
    if (unborn) current = unborn.thread;
    if (!boot.preview && (storage.get("visitor") || outbox.items.length)) begin().catch(() => {});
    addEventListener("online", () => outbox.flushNow());
    draw();
});

paint();

// The conversation itself, inside the frame: session, live stream, outbox, and the words with the page around.

import { openOutbox } from "../js/chat/outbox.js";
import { fill } from "../js/chat/format.js";
import { connect, uuid } from "../js/lib/socket.js";
import { createApi, Refused } from "./api.js";
import { createModel } from "./model.js";
import { openStorage, takeOver } from "./storage.js";
import { openTabs } from "./tabs.js";
import { createView } from "./view.js";

const boot = JSON.parse(document.getElementById("boot").textContent);
const ACK_MS = 10_000;
const TYPING_EVERY_MS = 3_000;
const PREVIEW_EVERY_MS = 700;
const TYPING_ENDS_MS = 6_000;
const TYPING_SHOWN_MS = 10_000;
const QUIET_MS = 500;

const embedded = window.parent !== window;
const storage = openStorage(boot.inbox, boot.popout ? await takeOver(boot.inbox) : null);
const model = createModel();
const api = createApi({ base: boot.api, inbox: boot.inbox, storage, identity });
const acks = new Map();
const drafts = new Map();
const uploads = new Map();
let host = null;
let live = null;
let outbox = null;
let screen = "thread";
let before = "home";
let current = `new:${uuid()}`;
let moved = false;
let isOpen = !embedded;
let online = Boolean(boot.online);
let greeted = null;
let known = {};
let trouble = "";
let loading = false;
let drawing = 0;
let lastPage = null;
let closing = false;

const view = createView({
    root: document.getElementById("app"),
    boot,
    actions: {
        api,
        back: () => (screen === "article" ? leaveArticle() : home()),
        open,
        newThread,
        send: (item) => send(item),
        draft,
        menu: () => more().then((known) => known.menu()),
        article,
        rate: (item, rating, comment) => more().then((known) => known.rate(item, rating, comment)),
        choose: (item, one, label) => send({ body: label }),
        retry: (id) => outbox?.retry(id),
        discard(id) {
            uploads.get(id)?.abort();
            outbox?.remove(id);
        },
        close: () => (boot.popout ? window.close() : tell("close")),
    },
});

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
    if (!embedded || source !== window.parent) return;
    if (!allowed(origin) || typeof data?.type !== "string") return;
    if (host && host !== origin) return;
    if (boot.preview) {
        if (data.type === "preview" && origin === location.origin) more().then((known) => known.preview(data));
    } else if (data.type === "init") {
        host = origin;
        isOpen = data.open === true;
        lastPage = data.page ?? null;
        theme(data.settings?.theme);
        tell("ready");
        visited();
        draw();
    } else if (data.type === "opened" || data.type === "closed") {
        isOpen = data.type === "opened";
        if (isOpen) view.focus();
        seen();
        draw();
    } else if (data.type === "campaign") {
        inviting?.then((one) => one.heard(data.id, data.event));
    } else if (data.type === "edge") {
        view.edge(data.which);
    } else if (data.type === "command" && Object.hasOwn(commands, data.command)) {
        commands[data.command](...(Array.isArray(data.args) ? data.args : []));
    }
});

const commands = {
    identify(person) {
        const { identifier, hash, name, email, phone } = person ?? {};
        storage.set("identity", JSON.stringify({ identifier, identifier_hash: hash, name, email, phone }));
        if (live || storage.get("visitor")) begin({ renew: true }).catch(() => {});
    },
    send(text) {
        if (typeof text !== "string" || !text.trim()) return;
        if (!asking()) return send({ body: text.trim() });
        // What the website asks first is asked before anything leaves this device.
        drafts.set(current, text.trim());
        screen = "thread";
        draw();
    },
    newThread,
    async setLocale(locale) {
        const response = await fetch(`${boot.textsUrl}?inbox=${boot.inbox}&locale=${encodeURIComponent(locale)}`, { credentials: "omit" });
        if (!response.ok) return;
        Object.assign(boot, await response.json());
        view.setTexts(boot);
        draw();
    },
    setTheme: theme,
    setAttributes(attributes) {
        if (attributes === null || typeof attributes !== "object") return;
        const kept = { ...JSON.parse(storage.get("attributes") ?? "{}"), ...attributes };
        storage.set("attributes", JSON.stringify(Object.fromEntries(Object.entries(kept).map(([key, value]) => [key, String(value ?? "")]))));
        if (live) tellAttributes();
    },
    page(url) {
        lastPage = { ...lastPage, url: String(url) };
        sendPage();
        visited();
    },
    article: (id) => article({ id: String(id) }),
    shutdown,
};

function theme(name) {
    if (name === "light" || name === "dark") document.documentElement.dataset.theme = name;
    else delete document.documentElement.dataset.theme;
}

function identity() {
    const said = JSON.parse(storage.get("identity") ?? "{}");
    return Object.fromEntries(Object.entries(said).filter(([, value]) => value));
}

function tellAttributes() {
    const attrs = storage.get("attributes");
    if (!attrs) return;
    api.contact({ attrs: JSON.parse(attrs) }).then(
        () => storage.get("attributes") === attrs && storage.remove("attributes"),
        (error) => error.permanent && storage.remove("attributes"),
    );
}

/** Nothing of this visitor stays on this device: for shared computers. No cookie was ever set. */
async function shutdown({ told = false } = {}) {
    closing = true;
    live?.close();
    live = null;
    await outbox?.wipe();
    storage.clear();
    api.forget();
    model.clear();
    if (!told) tabs?.shout("wiped");
    tabs?.close();
    tell("wiped");
}

// --- The same visitor's other tabs ------------------------------------------------------------------

const tabs = boot.preview
    ? null
    : openTabs({
          name: `tabs:${boot.inbox}`,
          promoted() {
              live?.renew();
              outbox?.flushNow();
          },
          back: () => live?.renew(),
          relay: (frame) => speak(frame),
          hello(wanted) {
              if (!live || !greeted || !["connected", "polling"].includes(live.state)) return null;
              for (const [id, after] of Object.entries(wanted)) if (live.last(id) === undefined) live.follow(id, after);
              const heads = Object.fromEntries(Object.keys(wanted).map((id) => [id, live.last(id) ?? 0]));
              return [{ ...greeted, presence: { online } }, { type: "hb", heads }];
          },
      });

tabs?.on("wiped", () => location.reload());
// The server tells only those who already follow a conversation; the tab that began one tells the others.
tabs?.on("begun", ({ local, conversation }) => begun(local, conversation));
tabs?.on("renewed", (token) => {
    api.learn(token);
    begin({ renew: true }).catch(() => {});
});

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
    if (beginning) return beginning;
    const said = storage.get("identity");
    const mine = api.session().then(welcome, (error) => {
        if (beginning === mine) beginning = null;
        if (error.code === "identity_refused" && said) {
            // Not proved, so not believed: the person stays who they were to us. Somebody named since then is asked for.
            if (storage.get("identity") === said) storage.remove("identity");
            happened("error", { code: error.code });
            return begin();
        }
        trouble = error instanceof Refused && error.permanent ? "closed" : "connecting";
        if (trouble === "closed") happened("error", { code: error.code });
        else setTimeout(() => storage.get("visitor") && begin().catch(() => {}), 3_000 + Math.random() * 4_000);
        draw();
        throw error;
    });
    beginning = mine;
    return mine;
}

function welcome(session) {
    trouble = "";
    known = session.contact ?? {};
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
            hello: async ({ fresh }) => ({ token: await api.token({ fresh: fresh && tabs.leading }) }),
            fetchEvents: (id, after) => api.events(id, after),
            apply,
            poll,
            transport: tabs.transport,
        });
        live.on("state", onState);
        live.on("event", (frame) => live.state === "polling" && tabs.mirror(frame));
        live.on("welcome", (frame) => {
            greeted = frame;
            online = frame.presence?.online === true && !boot.closed;
            sendPage();
            outbox.flushNow();
            seen();
        });
        live.on("msg.ack", (frame) => settle(frame, "resolve", frame));
        live.on("msg.nack", (frame) => settle(frame, "reject", refusal(frame)));
        live.on("typing", onTyping);
        listenForCalls();
        live.on("presence", (frame) => {
            online = frame.online === true && !boot.closed;
            draw();
        });
        live.on("features", (frame) => {
            for (const name of frame.off) boot.features[name] = false;
            view.composer.features();
            draw();
        });
        live.on("resync_required", () => location.reload());
    }
    for (const talk of model.conversations.values()) {
        if (live.last(talk.id) === undefined) live.follow(talk.id, talk.id === current ? 0 : talk.last_seq);
    }
    tellAttributes();
    outbox.flushNow();
    report();
    draw();
    return session;
}

let calling = null;

/** The part for calls: loaded when one begins, rings, or went on before a reload. */
function calls() {
    calling ??= import("./call.js").then(({ openCalls }) =>
        openCalls({
            live,
            api,
            parts: `${boot.textsUrl}call/?locale=${boot.locale}`,
            name: () => boot.name,
            root: document.getElementById("app"),
            rings: () => !isOpen && tell("open"),
        }),
    );
    calling.catch(() => {
        calling = null;
        view.say(boot.texts.partFailed);
    });
    return calling;
}

/** A call went on when this page was reloaded. Browsers may refuse storage to embedded pages. */
function wasCalling() {
    try {
        return sessionStorage.getItem("call:visitor");
    } catch {
        return null;
    }
}

function listenForCalls() {
    live.on("call.ring", (frame) => frame.call.started_by === "agent" && calls());
    for (const type of ["ring", "accept", "join", "ok", "decline", "busy", "timeout", "end", "offer", "answer", "ice", "media"]) live.on(`call.${type}`, (frame) => calling?.then((call) => call.heard(frame)));
    live.on("nack", (frame) => calling?.then((call) => call.refused(frame)));
    live.on("welcome", () => (calling || wasCalling()) && calls().then((call) => call.connected()));
}

/** While no socket gets through: one request that the server answers when something happens. */
async function poll(last) {
    const id = model.conversations.has(current) ? current : model.recent()[0]?.id;
    if (!id) return new Promise((resolve) => setTimeout(() => resolve({ conversation: null, events: [] }), 5_000));
    const { events } = await api.wait(id, last(id));
    return { conversation: id, events };
}

/** Say something to the server, by request where no socket gets through. */
function speak(frame) {
    if (live?.send(frame)) return true;
    if (frame.type === "read") return api.read(frame.conversation, frame.seq).then(() => true, () => false);
    if (frame.type === "page") return api.page({ url: frame.url, title: frame.title }).then(() => true, () => false);
    return false;
}

/** Nobody wrote or chose anything here yet, so the conversation that goes on may take the screen. */
function untouched() {
    return current.startsWith("new:") && screen !== "article" && !drafts.get(current) && !outbox.items.some((item) => item.thread === current);
}

function onState(state) {
    const lost = state === "reconnecting" || state === "offline";
    if (lost) for (const { reject } of acks.values()) reject({});
    // Losses shorter than two seconds are not worth a word.
    if (lost) setTimeout(() => live && !["connected", "polling"].includes(live.state) && ((trouble = navigator.onLine ? "connecting" : "offline"), draw()), 2_000);
    if (state === "polling") {
        greeted ??= { type: "welcome", hb: 60, presence: { online } };
        tabs.up(true);
        outbox.flushNow();
    }
    if (state === "connected" || state === "polling") {
        trouble = "";
        happened("online");
    } else if (lost) happened("offline");
    draw();
}

function apply(event) {
    const message = model.apply(event);
    const id = event.conversation;
    const talk = model.conversations.get(id);
    if (message?.direction === "out" || message?.direction === "bot") {
        const old = message.seq <= (talk?.head ?? 0);
        if (!old) {
            const said = message.body || message.attachments?.[0]?.name || "";
            if (talk && !watching(id)) {
                talk.unread = (talk.unread ?? 0) + 1;
                notice(talk, message.author?.name || boot.name, said);
            }
            acknowledge(id);
            happened("message:received", { conversation: id, text: said, from: message.author?.name ?? "" });
            report();
        }
    }
    if (event.event === "conversation.assigned" && event.data.assignee && event.seq > (talk?.head ?? 0)) happened("agent:joined", { name: event.data.assignee.name });
    if (event.event === "conversation.status" && event.data.status === "resolved" && event.seq > (talk?.head ?? 0)) happened("conversation:ended", { conversation: id });
    if (loading && id === current && event.seq >= (talk?.head ?? 0)) loading = false;
    seen();
    draw();
}

/** A sound and a word beside the bubble, unless another tab shows the message already. */
function notice(talk, name, said) {
    setTimeout(() => {
        if (!talk.unread) return;
        if (!isOpen && document.visibilityState === "visible") tell("teaser", { name, text: said, conversation: talk.id });
        if (tabs.leading && sounds()) import("./sound.js").then(({ chime }) => chime(), () => {});
    }, QUIET_MS);
}

function sounds() {
    return (storage.get("sound") ?? (boot.sound ? "on" : "off")) === "on";
}

// --- Reading and receipts ---------------------------------------------------------------------------

function watching(id) {
    return isOpen && screen === "thread" && current === id && document.visibilityState === "visible";
}

const acknowledged = new Map();
let acknowledging = 0;

/** Tell that messages arrived on this device; one frame for a burst. */
function acknowledge(id) {
    if (!tabs.leading) return;
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
    if (!speak({ type: "read", conversation: current, seq })) return;
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
    if (lastPage?.url && live) speak({ type: "page", url: lastPage.url.slice(0, 500), title: (lastPage.title ?? "").slice(0, 200) });
}

// --- Invitations -------------------------------------------------------------------------------------

let inviting = null;
let invitation = null;

/** Only websites that have something to say fetch the part that says it. */
function visited() {
    if (!boot.campaigns || !lastPage?.url) return;
    inviting ??= import("./campaigns.js").then(({ openCampaigns }) => openCampaigns({ api, storage, tell, busy, accepted }));
    inviting.then((one) => one.visit(lastPage.url)).catch(() => (inviting = null));
}

function busy() {
    return isOpen || closing || model.recent().some((talk) => talk.status !== "resolved") || Boolean(outbox?.items.length);
}

/** The words of the card stand first in a new thread; with the answer they become part of the conversation. */
function accepted({ id, key, name, text }) {
    newThread();
    invitation = { thread: current, id, key };
    model.put(current, { id: "invitation", client_id: "invitation", seq: 0, direction: "out", body: text, author: { id: "invitation", name: name || boot.name }, created_at: new Date().toISOString() });
    paint();
    view.focus();
}

// --- Typing -----------------------------------------------------------------------------------------

let typedAt = 0;
let typingEnds = 0;
let typingMore = 0;

function draft(value) {
    drafts.set(current, value);
    if (!value || current.startsWith("new:")) return stopTyping();
    // The words so far, where the inbox asks for them and the composer says so; else only that somebody types.
    const preview = boot.features?.preview ? { preview: value.slice(0, 500).replace(/[\uD800-\uDBFF]$/, "") } : null;
    const tell = () => {
        typedAt = Date.now();
        live?.send({ type: "typing", conversation: current, on: true, ...preview });
    };
    clearTimeout(typingMore);
    if (Date.now() - typedAt > (preview ? PREVIEW_EVERY_MS : TYPING_EVERY_MS)) tell();
    else if (preview) typingMore = setTimeout(tell, PREVIEW_EVERY_MS);
    clearTimeout(typingEnds);
    typingEnds = setTimeout(stopTyping, TYPING_ENDS_MS);
}

function stopTyping() {
    clearTimeout(typingEnds);
    clearTimeout(typingMore);
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

// --- Before the first message ------------------------------------------------------------------------

function answers() {
    return JSON.parse(storage.get("answers") ?? "{}");
}

/** What the website wants to know, or have agreed to, before somebody writes; null when nothing is missing. */
function asking() {
    if (!current.startsWith("new:") || model.lines(current).some((line) => line.mine)) return null;
    const given = { ...known, ...answers() };
    const fields = (boot.preChat ?? []).filter((field) => !given[field.name]);
    // Nobody is there: without an address the answer could reach nobody.
    const away = boot.form || boot.closed;
    if (away && !given.email && !fields.some((field) => field.name === "email")) fields.push({ name: "email", type: "email", label: boot.texts.yourEmail, required: true });
    const consent = boot.consent && storage.get("consent") !== String(boot.consent.version) ? boot.consent : null;
    if (!fields.length && !consent) return null;
    return {
        key: JSON.stringify([current, fields, consent, boot.locale]),
        title: away ? boot.texts.leaveTitle : boot.texts.askTitle,
        // When we are back stands above the form.
        hint: boot.form ? boot.texts.leaveHint : "",
        fields: fields.map((field) => (field.required === undefined ? { ...field, required: false } : field)),
        consent,
        known: given,
        focus: isOpen,
        button: boot.texts.askDone,
        submit(values, version) {
            // What was left empty is not asked again in this chat.
            const skipped = Object.fromEntries(fields.map((field) => [field.name, " "]));
            storage.set("answers", JSON.stringify({ ...answers(), ...skipped, ...values }));
            if (version) storage.set("consent", String(version));
            paint();
            view.focus();
        },
    };
}

/** Answers as the server takes them, with the first message. */
function preChat() {
    const given = Object.fromEntries(Object.entries(answers()).filter(([, value]) => value.trim()));
    const consent = storage.get("consent");
    if (!Object.keys(given).length && !consent) return {};
    return { pre_chat: { answers: given, ...(consent ? { consent_version: consent } : {}) } };
}

// --- Sending ----------------------------------------------------------------------------------------

async function send({ body, files = [], reply_to = null }) {
    const thread = current;
    drafts.delete(thread);
    stopTyping();
    if (screen !== "thread") screen = "thread";
    // From now on the page brings the frame by itself: what waits here must not wait for a click.
    tell("known");
    await ready;
    await outbox.add({ thread, body, ...(files.length ? { files } : {}), ...(reply_to ? { reply_to } : {}), ...(thread.startsWith("new:") ? preChat() : {}), ...(invitation?.thread === thread ? { campaign: { id: invitation.id, key: invitation.key } } : {}) });
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
        if (!live.send({ type: "msg.send", client_id: item.client_id, conversation: item.thread, body: item.body, ...(item.reply_to ? { reply_to: item.reply_to } : {}) })) reject({});
        acks.get(item.client_id).timer = timer;
    }).finally(() => {
        clearTimeout(acks.get(item.client_id)?.timer);
        acks.delete(item.client_id);
    });
}

// With the first letter typed: a file chosen when the line is gone finds the part that sends it.
addEventListener("input", () => import("./uploads.js").catch(() => {}), { once: true });

/** Files first; each remembers its place on the server, so that a broken line costs no piece twice. */
async function uploaded(item, progress) {
    if (!item.files?.length) return [];
    const cancel = new AbortController();
    uploads.set(item.client_id, cancel);
    try {
        const { uploadAll } = await import("./uploads.js");
        return await uploadAll(api.files(), item.files, { signal: cancel.signal, progress, keep: (files) => outbox.change(item.client_id, { files }) });
    } finally {
        uploads.delete(item.client_id);
    }
}

async function deliver(item, progress) {
    if (closing) throw {};
    await begin();
    const attachment_ids = await uploaded(item, progress);
    const extra = { ...(attachment_ids.length ? { attachment_ids } : {}), ...(item.reply_to ? { reply_to: item.reply_to } : {}) };
    if (!item.thread.startsWith("new:")) {
        const body = { client_id: item.client_id, body: item.body, ...extra };
        return live?.state === "connected" && tabs.leading && !attachment_ids.length ? overSocket(item) : api.post(item.thread, body);
    }
    const talk = await api.start({
        client_id: item.thread.slice(4),
        first_message: { client_id: item.client_id, body: item.body, ...(attachment_ids.length ? { attachment_ids } : {}) },
        ...(item.pre_chat ? { pre_chat: item.pre_chat } : {}),
        ...(item.campaign ? { campaign: item.campaign } : {}),
        ...(lastPage?.url ? { page_url: lastPage.url.slice(0, 500), referrer: (lastPage.referrer ?? "").slice(0, 500) } : {}),
    });
    // Far beyond the plan the message is kept and answered by e-mail: there is no conversation.
    if (!talk.status) return { left: await api.leave({ client_id: item.client_id, body: item.body || item.files?.[0]?.name || "…", email: answers().email?.trim() || known.email || "", name: answers().name?.trim() || known.name || "" }) };
    return { conversation: talk };
}

async function sent(item, result) {
    let id = item.thread;
    if (item.files?.length) model.keepFiles(item.client_id, item.files);
    if (result.left) {
        const mine = model.thread(id);
        const place = mine.messages.size + 1;
        model.put(id, { id: result.left.id, client_id: item.client_id, seq: place, direction: "in", body: item.body, created_at: new Date(item.at).toISOString(), delivery: "sent" });
        model.put(id, { id: "left", client_id: "left", seq: place + 1, direction: "activity", meta: { action: "left" }, created_at: new Date().toISOString() });
    } else if (typeof result.conversation === "string" && result.conversation !== id && !id.startsWith("new:")) {
        // The old conversation was closed too long ago: the message began a new one.
        await begin({ renew: true });
        if (current === id) show(result.conversation);
    } else if (result.conversation?.id) {
        id = result.conversation.id;
        begun(item.thread, result.conversation);
        tabs?.shout("begun", { local: item.thread, conversation: result.conversation });
        await outbox.rename(item.thread, id);
        happened("conversation:started", { conversation: id });
    } else if (result.seq) {
        model.put(id, { id: result.id, client_id: item.client_id, seq: result.seq, direction: "in", body: item.body, created_at: result.created_at ?? new Date(item.at).toISOString(), delivery: "sent", reply_to: item.reply_to ?? null, ...(result.attachments ? { attachments: result.attachments } : {}) });
        const talk = model.conversations.get(id);
        if (talk) Object.assign(talk, { preview: item.body || item.files?.[0]?.name || "", preview_direction: "in", last_message_at: result.created_at ?? new Date().toISOString() });
    }
    happened("message:sent", { conversation: id, text: item.body });
    draw();
}

// --- What else can be done: fetched when somebody wants it -------------------------------------------

let extras = null;

function more() {
    extras ??= import("./extras.js").then(
        ({ createExtras }) => createExtras({ boot, api, model, storage, view, tell, happened, theme, draw, sounds, embedded, calls, standing: () => ({ current, known, callable: online && live?.state === "connected" }), show: (name) => (screen = name) }),
        (error) => {
            extras = null;
            view.say(boot.texts.partFailed);
            throw error;
        },
    );
    return extras;
}

async function article(one) {
    if (!one.id && one.url) return void window.open(one.url, "_blank", "noopener");
    before = screen === "article" ? before : screen;
    screen = "article";
    draw();
    try {
        const { read } = await import("./help.js");
        await read({ one, api, view, boot });
    } catch {
        if (one.url) window.open(one.url, "_blank", "noopener");
        leaveArticle();
    }
}

function leaveArticle() {
    screen = before;
    draw();
    view.focus();
}

// --- Screens ----------------------------------------------------------------------------------------

function home() {
    stopTyping();
    screen = "home";
    paint();
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
    paint();
    view.focus();
}

function newThread() {
    stopTyping();
    const ongoing = model.recent().find((talk) => talk.status !== "resolved");
    if (boot.features?.multi_thread === false && ongoing) return open(ongoing.id);
    screen = "thread";
    if (!current.startsWith("new:") || model.lines(current).length) current = `new:${uuid()}`;
    paint();
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

/** Where somebody stands in the queue, in words. */
function queueWords(queue) {
    if (!queue) return null;
    const minutes = Math.ceil((queue.wait_s ?? 0) / 60);
    return fill(minutes ? boot.texts.queueWait : boot.texts.queue, { position: queue.position, minutes });
}

function paint() {
    const talk = model.conversations.get(current);
    Object.assign(document.getElementById("app").dataset, { stream: live?.state ?? "", team: online ? "here" : "away" });
    const asked = boot.preview && screen === "thread" && boot.showAsked ? asking() : boot.preview ? null : asking();
    view.draw({
        screen,
        thread: current,
        moved,
        online,
        trouble,
        loading,
        asking: asked,
        agent: talk?.assignee ?? answering(current),
        canGoHome: screen === "article" || (screen === "thread" && (model.conversations.size > 0 || Boolean(boot.help))),
        recent: model.recent(),
        lines: model.lines(current),
        typing: model.thread(current).typing,
        queue: queueWords(model.thread(current).queue),
        draft: drafts.get(current) ?? "",
    });
    moved = false;
}

// --- Start ------------------------------------------------------------------------------------------

if (boot.preview) document.getElementById("app").inert = true;
if (boot.help && !boot.popout) screen = "home";

// Whoever waits on an open page sees it open.
if (boot.opensAt) setTimeout(() => (Object.assign(boot, { closed: false, reopens: "" }), draw()), Math.min(Math.max(0, Date.parse(boot.opensAt) - Date.now()), 2 ** 31 - 1));

const ready = openOutbox({
    name: `outbox:${boot.inbox}`,
    leads: () => !tabs || tabs.leading,
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
    if (unborn) {
        current = unborn.thread;
        screen = "thread";
    }
    if (!boot.preview && (storage.get("visitor") || outbox.items.length)) begin().catch(() => {});
    for (const back of ["online", "pageshow"]) addEventListener(back, () => outbox.flushNow());
    draw();
});

paint();

// A live stream that stays whole: one socket, many ordered conversations, nothing lost or applied twice.
//
// Rules of the stream (chat.v1): an event is applied iff its seq is last + 1; lower ones are repeats; higher
// ones wait while the missing ones are fetched. A heartbeat names the heads, so a silent loss is noticed too.

const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 30_000;
const PROBE_MS = 4_000;

// So many sockets in a row got nowhere: this network lets none through, and requests do their work.
const PATIENT_SOCKETS = 3;
// Whatever the server's patience is, it is not asked more often than this.
const LEAST_POLL_MS = 2_000;

// Codes after which trying again with the same credentials is useless.
const FORBIDDEN = new Set([4003, 4403, 4404]);
const UNAUTHENTICATED = new Set([4001, 4401]);
const RESTART = 1012;
const OPEN = 1;

/** Wait before attempt `n` (from 0): anything up to the ceiling, so that a thousand clients do not come back at once. */
export function backoff(n, random = Math.random) {
    return Math.round(random() * Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** n));
}

/** A UUID also on pages without TLS, where crypto.randomUUID is missing. */
export function uuid() {
    if (globalThis.crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

/**
 * Open a stream.
 *
 * url            path or address of the socket
 * hello          async ({fresh}) => first frame without its type; `fresh` asks for a new token
 * fetchEvents    async (conversation, after) => {events, has_more}; used for gaps
 * apply          (event) => void; called once for each event of a followed conversation, in order
 * protocol       subprotocol
 * poll           async (follow(id) => last) => {conversation, events}; asked over and over while no socket gets
 *                through, and answered by the server when something happens or after its longest wait
 * transport      (address, protocol) => something that behaves like a WebSocket
 *
 * `state` is connecting, connected, polling, reconnecting, offline or forbidden.
 * Returns {on, send, follow, unfollow, last, state, wake, renew, close}.
 */
export function connect({ url, hello, fetchEvents, apply, poll, protocol = "chat.v1", transport = (address, name) => new WebSocket(address, name) }) {
    const listeners = new Map();
    const followed = new Map();
    let socket = null;
    let state = "connecting";
    let attempts = 0;
    let fresh = false;
    let closed = false;
    let retry = 0;
    let silence = 0;
    let heartbeatMs = 20_000;
    let heardAt = 0;
    let comeBackMs = null;
    let greetedWith = new Set();
    let polling = false;

    const address = new URL(url, location.href);
    address.protocol = address.protocol.replace("http", "ws");

    function emit(name, value) {
        for (const listener of listeners.get(name) ?? []) listener(value);
    }

    function become(next) {
        if (state === next) return;
        state = next;
        emit("state", next);
    }

    async function open() {
        clearTimeout(retry);
        if (closed || socket) return;
        if (navigator.onLine === false) return become("offline");
        const mine = transport(address, protocol);
        socket = mine;
        watchSilence();
        mine.onopen = async () => {
            let greeting;
            try {
                greeting = await hello({ fresh });
            } catch (error) {
                emit("refused", error);
                return mine.close();
            }
            if (socket !== mine || mine.readyState !== OPEN) return;
            const conversations = Object.fromEntries([...followed].map(([id, stream]) => [id, stream.last]));
            greetedWith = new Set(followed.keys());
            mine.send(JSON.stringify({ type: "hello", ...greeting, conversations }));
        };
        mine.onmessage = ({ data }) => {
            if (socket !== mine) return;
            watchSilence();
            receive(JSON.parse(data));
        };
        mine.onclose = ({ code }) => {
            if (socket === mine) lost(code);
        };
    }

    function lost(code) {
        socket = null;
        clearTimeout(silence);
        if (closed) return;
        if (FORBIDDEN.has(code)) {
            closed = true;
            become("forbidden");
            return;
        }
        fresh = UNAUTHENTICATED.has(code);
        if (!polling || navigator.onLine === false) become(navigator.onLine === false ? "offline" : "reconnecting");
        // A planned restart is over in a moment, but everybody was told at the same moment: the server gives each its own.
        const wait = code === RESTART && attempts === 0 ? (comeBackMs ?? Math.random() * 5_000) : backoff(attempts);
        comeBackMs = null;
        attempts += 1;
        clearTimeout(retry);
        retry = setTimeout(open, wait);
        if (attempts < PATIENT_SOCKETS) return;
        // Some networks let no socket through: ordinary requests bring what is missing meanwhile.
        for (const id of followed.keys()) fill(id);
        if (poll && !polling) keepPolling();
    }

    async function keepPolling() {
        polling = true;
        let failures = 0;
        while (polling && !closed && state !== "offline") {
            const asked = Date.now();
            try {
                const { conversation, events } = await poll((id) => followed.get(String(id))?.last ?? 0);
                failures = 0;
                if (!polling || closed) break;
                become("polling");
                for (const event of events) offer({ conversation, ...event });
                if (!events.length) await new Promise((resolve) => setTimeout(resolve, LEAST_POLL_MS - (Date.now() - asked)));
            } catch {
                failures += 1;
                if (state === "polling") become("reconnecting");
                await new Promise((resolve) => setTimeout(resolve, backoff(failures)));
            }
        }
        polling = false;
    }

    // A dead network closes nothing: two and a half missed heartbeats mean the line is gone.
    function watchSilence(ms = heartbeatMs * 2.5) {
        heardAt = Date.now();
        clearTimeout(silence);
        silence = setTimeout(drop, ms);
    }

    function drop() {
        const gone = socket;
        if (!gone) return;
        lost(1006);
        gone.onclose = gone.onmessage = gone.onopen = null;
        gone.close();
    }

    /** Come back now: the tab is visible again, the network is back, the page left the back-forward cache. */
    function wake() {
        if (closed || document.visibilityState === "hidden") return;
        if (!socket) {
            attempts = 0;
            open();
            if (state === "polling") for (const id of followed.keys()) fill(id);
        } else if (state === "connected" && Date.now() - heardAt > PROBE_MS) {
            send({ type: "ping" });
            clearTimeout(silence);
            silence = setTimeout(drop, PROBE_MS);
        }
    }

    function receive(frame) {
        switch (frame.type) {
            case "welcome":
                heartbeatMs = (frame.hb ?? 20) * 1000;
                watchSilence();
                attempts = 0;
                fresh = false;
                polling = false;
                become("connected");
                // Between greeting and welcome nothing can be said, but somebody may have begun to follow.
                for (const [id, stream] of followed) {
                    if (!greetedWith.has(id)) send({ type: "sub", conversation: id, after: stream.last });
                }
                emit("welcome", frame);
                break;
            case "event":
                offer(frame);
                break;
            case "gap":
                fill(frame.conversation);
                break;
            case "hb":
                compare(frame.heads);
                emit("hb", frame);
                break;
            case "bye":
                if (frame.retry_after != null) comeBackMs = frame.retry_after * 1000;
                emit("bye", frame);
                break;
            default:
                emit(frame.type, frame);
        }
    }

    function compare(heads) {
        for (const [id, head] of Object.entries(heads ?? {})) {
            if (head > (followed.get(id)?.last ?? Infinity)) fill(id);
        }
    }

    function offer(event) {
        emit("event", event);
        const stream = followed.get(String(event.conversation));
        if (!stream || event.seq <= stream.last) return;
        if (event.seq > stream.last + 1) {
            stream.waiting.set(event.seq, event);
            fill(event.conversation);
            return;
        }
        take(stream, event);
        for (let next; (next = stream.waiting.get(stream.last + 1)); ) take(stream, next);
    }

    function take(stream, event) {
        stream.last = event.seq;
        stream.waiting.delete(event.seq);
        apply(event);
    }

    async function fill(conversation) {
        const stream = followed.get(String(conversation));
        if (!stream || stream.filling) return;
        stream.filling = true;
        try {
            let page;
            do {
                page = await fetchEvents(String(conversation), stream.last);
                const before = stream.last;
                for (const event of page.events) offer({ conversation, ...event });
                if (page.has_more && stream.last === before) break;
            } while (page.has_more);
            for (const seq of stream.waiting.keys()) if (seq <= stream.last) stream.waiting.delete(seq);
        } catch {
            // The next heartbeat, event or reconnection asks again.
        } finally {
            stream.filling = false;
        }
    }

    function send(frame) {
        if (state !== "connected" || socket?.readyState !== OPEN) return false;
        socket.send(JSON.stringify(frame));
        return true;
    }

    const onVisible = () => wake();
    const onOffline = () => {
        if (socket) drop();
        clearTimeout(retry);
        become("offline");
    };
    document.addEventListener("visibilitychange", onVisible);
    addEventListener("online", onVisible);
    addEventListener("pageshow", onVisible);
    addEventListener("offline", onOffline);
    open();

    return {
        /** Listen to `state`, `welcome`, `event` (every one, also unfollowed), or a frame by its type. */
        on(name, listener) {
            if (!listeners.has(name)) listeners.set(name, new Set());
            listeners.get(name).add(listener);
            return () => listeners.get(name).delete(listener);
        },
        send,
        /** Keep a conversation whole from `after` on; what is missing is fetched by the server or by us. */
        follow(conversation, after) {
            const id = String(conversation);
            followed.set(id, { last: after, waiting: new Map(), filling: false });
            send({ type: "sub", conversation, after });
        },
        unfollow(conversation) {
            if (followed.delete(String(conversation))) send({ type: "unsub", conversation });
        },
        /** Ask for what is missing in every followed conversation; for when the live path was not up. */
        catchUp() {
            for (const id of followed.keys()) fill(id);
        },
        last: (conversation) => followed.get(String(conversation))?.last,
        get state() {
            return state;
        },
        wake,
        /** Begin again at once over a new line: the old one belongs to somebody else now. */
        renew() {
            if (closed) return;
            if (socket) drop();
            attempts = 0;
            open();
        },
        close() {
            closed = true;
            clearTimeout(retry);
            clearTimeout(silence);
            document.removeEventListener("visibilitychange", onVisible);
            removeEventListener("online", onVisible);
            removeEventListener("pageshow", onVisible);
            removeEventListener("offline", onOffline);
            polling = false;
            socket?.close(1000);
            socket = null;
        },
    };
}

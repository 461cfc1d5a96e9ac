// What a person wrote and the server has not confirmed yet. It survives a reload; sending it twice is harmless,
// because the id made here is the message's identity on the server.

import { backoff, uuid } from "../lib/socket.js";

/** A key-value shelf in IndexedDB, or in memory where the browser refuses storage to embedded pages. */
export async function openShelf(name) {
    let base = null;
    try {
        base = await new Promise((resolve, reject) => {
            const request = indexedDB.open(name, 1);
            request.onupgradeneeded = () => request.result.createObjectStore("items", { keyPath: "client_id" });
            request.onsuccess = () => resolve(request.result);
            request.onerror = request.onblocked = () => reject(request.error);
        });
    } catch {
        base = null;
    }
    const memory = new Map();
    const run = (mode, work) =>
        new Promise((resolve, reject) => {
            const transaction = base.transaction("items", mode);
            const request = work(transaction.objectStore("items"));
            transaction.oncomplete = () => resolve(request.result);
            transaction.onerror = transaction.onabort = () => reject(transaction.error);
        });
    return {
        durable: Boolean(base),
        all: async () => (base ? run("readonly", (items) => items.getAll()) : [...memory.values()]),
        put: async (item) => (base ? run("readwrite", (items) => items.put(item)) : void memory.set(item.client_id, item)),
        remove: async (id) => (base ? run("readwrite", (items) => items.delete(id)) : void memory.delete(id)),
        clear: async () => (base ? run("readwrite", (items) => items.clear()) : memory.clear()),
        end() {
            base?.close();
            if (base) indexedDB.deleteDatabase(name);
        },
    };
}

/** Run `work` while no other tab does; where locks are missing or refused the server's own guard has to do. */
async function alone(name, work) {
    let begun = false;
    try {
        return await navigator.locks.request(name, () => {
            begun = true;
            return work();
        });
    } catch (error) {
        if (begun) throw error;
        return work();
    }
}

/** A line to this person's other tabs, where the browser allows one. */
export function openChannel(name) {
    try {
        return new BroadcastChannel(name);
    } catch {
        return null;
    }
}

/**
 * A queue of messages, sent one at a time within a thread so that their order holds.
 *
 * deliver   async (item, progress) => result; throws {permanent: true, reason} or {retryAfter} (seconds).
 *           `progress(share)` tells how much of its files went, 0 to 1
 * changed   (items) => void; after every change, also one made by another tab
 * sent      (item, result) => void; before the item leaves the queue
 * leads     () => boolean; where one tab sends for all of them, whether this is the one
 *
 * An item is {client_id, thread, body, at, state, …}; state is queued, sending or failed. Blobs may be among the
 * fields: IndexedDB keeps them.
 */
export async function openOutbox({ name, deliver, changed, sent, leads = () => true }) {
    const shelf = await openShelf(name);
    const channel = openChannel(name);
    const sending = new Set();
    const unsaved = new Map();
    const shares = new Map();
    const draining = new Set();
    const again = new Set();
    let items = [];
    let turn = 0;
    let attempts = 0;
    let timer = 0;
    let closed = false;

    async function reload() {
        const stored = await shelf.all();
        for (const item of stored) unsaved.delete(item.client_id);
        items = [...stored, ...unsaved.values()].sort((a, b) => a.at - b.at || a.turn - b.turn);
        tell();
    }

    function view() {
        return items.map((item) => (sending.has(item.client_id) ? { ...item, state: "sending", share: shares.get(item.client_id) } : item));
    }

    function tell() {
        changed(view());
    }

    async function write(work) {
        await work();
        await reload();
        if (!closed) channel?.postMessage("changed");
    }

    /** Try everything that waits, now. */
    function flush() {
        clearTimeout(timer);
        if (closed || !leads()) return;
        for (const thread of new Set(items.filter((item) => item.state !== "failed").map((item) => item.thread))) {
            if (draining.has(thread)) {
                again.add(thread);
                continue;
            }
            draining.add(thread);
            alone(`${name}:${thread}`, () => drain(thread)).finally(() => {
                draining.delete(thread);
                if (again.delete(thread)) flush();
            });
        }
    }

    async function drain(thread) {
        for (;;) {
            // Another tab may have sent it while we waited for the lock.
            await reload();
            const item = items.find((one) => one.thread === thread && one.state !== "failed");
            if (!item || closed) return;
            sending.add(item.client_id);
            tell();
            try {
                const result = await deliver(item, (share) => {
                    shares.set(item.client_id, share);
                    tell();
                });
                shares.delete(item.client_id);
                sending.delete(item.client_id);
                attempts = 0;
                await sent(item, result);
                await write(() => shelf.remove(item.client_id));
            } catch (error) {
                shares.delete(item.client_id);
                sending.delete(item.client_id);
                // Deleted while it was on its way.
                await reload();
                const kept = items.find((one) => one.client_id === item.client_id);
                if (!kept) continue;
                if (!error?.permanent) {
                    tell();
                    return later(error?.retryAfter);
                }
                await write(() => shelf.put({ ...kept, state: "failed", reason: error.reason ?? "" }));
            }
        }
    }

    function later(seconds) {
        clearTimeout(timer);
        timer = setTimeout(flush, seconds ? seconds * 1000 : Math.max(300, backoff(attempts)));
        attempts += 1;
    }

    if (channel) channel.onmessage = () => reload().then(flush);
    await reload();

    return {
        durable: shelf.durable,
        get items() {
            return view();
        },
        async add(fields) {
            turn += 1;
            const item = { client_id: uuid(), at: Date.now(), turn, state: "queued", ...fields };
            // Shown before it is stored: local echo waits for nothing.
            unsaved.set(item.client_id, item);
            items = [...items, item];
            tell();
            await write(() => shelf.put(item));
            flush();
            return item;
        },
        async retry(id) {
            const item = items.find((one) => one.client_id === id);
            if (!item) return;
            await write(() => shelf.put({ ...item, state: "queued", reason: "" }));
            attempts = 0;
            flush();
        },
        remove: (id) => write(() => shelf.remove(id)),
        clear: () => write(() => shelf.clear()),
        /** Leave nothing on this device, not even an empty database. */
        async wipe() {
            clearTimeout(timer);
            await write(() => shelf.clear());
            closed = true;
            channel?.close();
            shelf.end();
        },
        /** Point waiting items at the thread's real id once it has one. */
        async rename(from, to) {
            const moving = items.filter((item) => item.thread === from);
            if (!moving.length) return;
            await write(() => Promise.all(moving.map((item) => shelf.put({ ...item, thread: to }))));
            flush();
        },
        /** The line is back: no waiting. */
        flushNow() {
            attempts = 0;
            flush();
        },
        /** Change what waits, e.g. remember that a file is on the server already. */
        async change(id, fields) {
            const item = items.find((one) => one.client_id === id);
            if (item) await write(() => shelf.put({ ...item, ...fields }));
        },
        close() {
            closed = true;
            clearTimeout(timer);
            channel?.close();
        },
    };
}

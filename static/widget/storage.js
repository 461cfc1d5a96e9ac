// What this device keeps of a visitor: an id and a token, per inbox. In the frame's own storage only, and in
// memory where the browser refuses storage to embedded pages: the chat then lives as long as the page.

import { uuid } from "../js/lib/socket.js";

const NAMES = ["visitor", "token", "identity", "answers", "consent", "attributes", "sound", "campaigns"];
const PATIENCE_MS = 3_000;

/** The keys of the frame that opened this window. Its storage may be another one than ours, so it hands them over. */
export function takeOver(inbox) {
    return new Promise((resolve) => {
        // A reload kept them; without an opener the storage is hopefully the same one.
        if (sessionStorage.getItem(`${inbox}:visitor`)) return resolve({});
        if (!window.opener) return resolve(null);
        const timer = setTimeout(() => resolve(null), PATIENCE_MS);
        addEventListener("message", function heard({ data, source, origin }) {
            if (source !== window.opener || origin !== location.origin || data?.type !== "keys") return;
            clearTimeout(timer);
            removeEventListener("message", heard);
            resolve(data.keys);
        });
        window.opener.postMessage({ type: "popout" }, location.origin);
    });
}

/** `keys`, when given, makes a storage that ends with this window. */
export function openStorage(inbox, keys = null) {
    const memory = new Map();
    let shelf = null;
    try {
        shelf = keys ? sessionStorage : localStorage;
        shelf.setItem("probe", "1");
        shelf.removeItem("probe");
    } catch {
        shelf = null;
    }
    const key = (name) => `${inbox}:${name}`;
    const get = (name) => (shelf ? shelf.getItem(key(name)) : (memory.get(name) ?? null));
    const set = (name, value) => (shelf ? shelf.setItem(key(name), value) : void memory.set(name, value));
    for (const [name, value] of Object.entries(keys ?? {})) if (NAMES.includes(name)) set(name, value);
    return {
        durable: Boolean(shelf),
        get,
        set,
        remove: (name) => (shelf ? shelf.removeItem(key(name)) : void memory.delete(name)),
        keys: () => Object.fromEntries(NAMES.map((name) => [name, get(name)]).filter(([, value]) => value !== null)),
        /** The id this visitor is known by; made on first need, so that people who only look leave nothing. */
        visitor() {
            const known = get("visitor");
            if (known) return known;
            const made = uuid();
            set("visitor", made);
            return made;
        },
        clear() {
            for (const name of NAMES) shelf?.removeItem(key(name));
            memory.clear();
        },
    };
}

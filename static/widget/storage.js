// What this device keeps of a visitor: an id and a token, per inbox. In the frame's own storage only, and in
// memory where the browser refuses storage to embedded pages: the chat then lives as long as the page.

import { uuid } from "../js/lib/socket.js";

export function openStorage(inbox) {
    const memory = new Map();
    let shelf = null;
    try {
        shelf = localStorage;
        shelf.setItem("probe", "1");
        shelf.removeItem("probe");
    } catch {
        shelf = null;
    }
    const key = (name) => `${inbox}:${name}`;
    const get = (name) => (shelf ? shelf.getItem(key(name)) : (memory.get(name) ?? null));
    const set = (name, value) => (shelf ? shelf.setItem(key(name), value) : void memory.set(name, value));
    return {
        durable: Boolean(shelf),
        get,
        set,
        /** The id this visitor is known by; made on first need, so that people who only look leave nothing. */
        visitor() {
            const known = get("visitor");
            if (known) return known;
            const made = uuid();
            set("visitor", made);
            return made;
        },
        clear() {
            for (const name of ["visitor", "token", "identity"]) shelf?.removeItem(key(name));
            memory.clear();
        },
    };
}

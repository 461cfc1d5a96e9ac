// Waits for the customer's answer and shows it as soon as it is there.

import { request } from "../lib/dom.js";

const EVERY_MS = 3000;

export function start(root) {
    let timer;

    async function look() {
        try {
            const { state } = await request(root.dataset.url);
            if (state !== root.dataset.state) return location.reload();
        } catch {
            // The next look may find the server again.
        }
        timer = setTimeout(look, EVERY_MS);
    }

    timer = setTimeout(look, EVERY_MS);
    return () => clearTimeout(timer);
}

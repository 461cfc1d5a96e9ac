// Waits for the customer's answer and shows it as soon as it is there: the server says by a socket that something
// changed, and the page asks what. Where no socket gets through it asks by itself, less and less often.

import { request } from "../lib/dom.js";
import { backoff } from "../lib/socket.js";

const FIRST_LOOK_MS = 3_000;
const RARELY_MS = 60_000;

export function start(root) {
    let socket = null;
    let retry = 0;
    let timer = 0;
    let failures = 0;
    let wait = FIRST_LOOK_MS;
    let over = false;

    async function look() {
        clearTimeout(timer);
        try {
            const { state } = await request(root.dataset.url);
            if (state !== root.dataset.state && !over) {
                over = true;
                return location.reload();
            }
        } catch {
            // The next look may find the server again.
        }
        if (over) return;
        clearTimeout(timer);
        // A socket that stands says it; a look now and then is for the case that it fell silent.
        wait = socket?.readyState === WebSocket.OPEN ? RARELY_MS : Math.min(RARELY_MS, wait * 1.5);
        timer = setTimeout(look, wait);
    }

    function open() {
        socket = new WebSocket(new URL(root.dataset.socket, location.href.replace(/^http/, "ws")));
        socket.addEventListener("open", () => {
            failures = 0;
            // What happened before the socket stood was told to nobody.
            look();
        });
        socket.addEventListener("message", look);
        socket.addEventListener("close", () => {
            if (over) return;
            wait = FIRST_LOOK_MS;
            clearTimeout(timer);
            timer = setTimeout(look, wait);
            retry = setTimeout(open, backoff(failures++));
        });
    }

    timer = setTimeout(look, wait);
    open();
    return () => {
        over = true;
        clearTimeout(timer);
        clearTimeout(retry);
        socket?.close();
    };
}

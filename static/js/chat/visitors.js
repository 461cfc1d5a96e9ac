// Visitors on the website: rows come, move and go with the stream; what a row says is drawn by the server.

import { connection } from "../lib/connection.js";
import { debounce } from "../lib/dom.js";
import { connect } from "../lib/socket.js";

const REFRESH_MS = 400;

export function start(root) {
    const box = root.querySelector("[data-visitors]");
    const live = connect({ url: root.dataset.socket, hello: async () => ({}), fetchEvents: async () => ({ events: [], has_more: false }), apply() {} });

    const refresh = debounce(async () => {
        const response = await fetch(location.pathname, { headers: { "X-Console": "rows" }, credentials: "same-origin" }).catch(() => null);
        if (!response?.ok || response.redirected) return;
        const focused = document.activeElement?.closest?.("tr")?.id;
        const at = focused ? [...document.getElementById(focused).querySelectorAll("a, button")].indexOf(document.activeElement) : -1;
        box.innerHTML = await response.text();
        if (focused) document.getElementById(focused)?.querySelectorAll("a, button")[at]?.focus({ preventScroll: true });
    }, REFRESH_MS);

    live.on("visitor", refresh);
    live.on("welcome", refresh);
    live.on("event", (event) => event.event.startsWith("conversation.") && refresh());
    live.on("state", (state) => connection({ connected: "online", offline: "offline", forbidden: "offline" }[state] ?? "connecting"));

    return () => {
        live.close();
        connection("idle");
    };
}

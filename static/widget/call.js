// Calls in the widget, loaded when one begins or rings: over the whole frame, with the thread behind it.

import { openCall } from "../js/lib/call.js";
import { openCallView } from "../js/lib/call-view.js";

/** `live` is the stream, `api.ask` the visitor's REST API, `parts` where words and icons are, `rings` opens the chat. */
export async function openCalls({ live, api, parts, name, root, rings }) {
    const response = await fetch(parts, { credentials: "omit" });
    if (!response.ok) throw new Error(`HTTP ${response.status}`);
    const { words, icons } = await response.json();
    document.body.append(...new DOMParser().parseFromString(icons, "text/html").querySelectorAll("template"));
    const sheet = Object.assign(document.createElement("link"), { rel: "stylesheet", href: root.dataset.callStyle });
    document.head.append(sheet);
    const call = openCall({
        side: "visitor",
        send: (frame) => live.send(frame),
        begin: (conversation, body) => api.ask("POST", `conversations/${conversation}/call/`, body),
        live: () => api.ask("GET", "calls/"),
        changed() {
            view?.draw();
            if (call?.phase === "incoming") rings(call.call);
        },
    });
    const view = openCallView({ root: document.body, call, words, who: (one) => one?.agent?.name || name() });
    return call;
}

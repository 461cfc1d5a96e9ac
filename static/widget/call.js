// Calls in the widget, loaded when one begins or rings: over the whole frame, with the thread behind it.

import { openCall } from "../js/lib/call.js";
import { openCallView } from "../js/lib/call-view.js";

/** `live` is the stream, `api.ask` the visitor's REST API, `rings` is told when the page should open the chat. */
export function openCalls({ live, api, text, name, root, rings = () => {} }) {
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
    const view = openCallView({ root: document.body, call, words: text.call, who: (one) => one?.agent?.name || name() });
    return call;
}

// Calls in the agents' console: a panel in the corner that stays while the agent walks through the conversations.

import { on, request } from "../lib/dom.js";
import { openCall } from "../lib/call.js";
import { openCallView } from "../lib/call-view.js";
import { personName } from "./format.js";

export function openCalls({ app }) {
    const { live, me, words, root } = app;
    const names = new Map();
    const call = openCall({
        side: "agent",
        send: (frame) => live.send(frame),
        begin: (number, body) => request(`/api/v1/chat/conversations/${number}/call/`, { method: "POST", body }),
        live: () => request("/api/v1/chat/calls/"),
        // A conversation that is somebody's rings there alone; in the queue it rings at everybody.
        ringsFor: ({ agent }) => app.mayReply && (!agent || agent.id === me.id),
        changed: () => view?.draw(),
    });
    const view = openCallView({ root: document.body, call, words: words.call, who: (one) => one?.contact?.name || names.get(one?.conversation) || personName(one?.contact, words) });

    const stops = [
        on(root, "click", "[data-call]", (event, button) => {
            event.preventDefault();
            const { number, name } = button.closest("[data-thread]").dataset;
            names.set(number, name);
            call.start(number, { video: button.dataset.call === "video" });
        }),
    ];
    for (const type of ["ring", "accept", "join", "ok", "decline", "busy", "timeout", "end", "offer", "answer", "ice", "media"]) live.on(`call.${type}`, call.heard);
    live.on("nack", call.refused);
    live.on("welcome", call.connected);

    return {
        call,
        close() {
            call.end();
            view.close();
            for (const stop of stops) stop();
        },
    };
}

// One visitor, many tabs: one of them leads. It alone holds the socket and sends what waits; the others speak
// through it. Who leads is a lock of the browser, so it passes on in the moment the leading tab is closed.
//
// A following tab uses the same stream client over a make-believe socket: sequence numbers keep it whole
// whatever the leader tells or fails to tell.

import { openChannel } from "../js/chat/outbox.js";
import { uuid } from "../js/lib/socket.js";

const CONNECTING = 0;
const OPEN = 1;
const CLOSED = 3;
// Answers to what the leader itself asked.
const PRIVATE = new Set(["sub.ok", "pong", "bye", "msg.ack", "msg.nack", "nack"]);

/**
 * name       of this visitor's circle of tabs
 * relay      (frame) => void; the leader says what a follower wants said
 * hello      (heads) => [frames] that greet a follower; null while the leader has no line itself
 * promoted   () => void; this tab leads from now on
 * back       () => void; the leader has its line again, and this tab was waiting for it
 */
export function openTabs({ name, relay, hello, promoted, back }) {
    const me = uuid();
    const channel = openChannel(name);
    const others = new Map();
    let socket = null;
    let leading = !channel || !navigator.locks;
    let resign = null;
    let closed = false;

    function tell(message) {
        if (!closed) channel?.postMessage({ from: me, ...message });
    }

    function lineToLeader() {
        const mine = {
            readyState: CONNECTING,
            send: (text) => tell({ type: "say", text }),
            close() {
                mine.readyState = CLOSED;
                if (socket === mine) socket = null;
            },
        };
        socket = mine;
        queueMicrotask(() => tell({ type: "knock" }));
        return mine;
    }

    /** The real line. What the server says to everybody of this visitor is said to the other tabs too. */
    function lineToServer(address, protocol) {
        const line = new WebSocket(address, protocol);
        line.addEventListener("message", ({ data }) => {
            const frame = JSON.parse(data);
            if (frame.type === "welcome") setTimeout(() => tell({ type: "up" }));
            else if (!PRIVATE.has(frame.type)) tell({ type: "frame", frame });
        });
        line.addEventListener("close", () => tell({ type: "down" }));
        return line;
    }

    function opened() {
        if (!socket) return back();
        if (socket.readyState !== CONNECTING) return;
        socket.readyState = OPEN;
        socket.onopen?.();
    }

    function lost() {
        const gone = socket;
        socket = null;
        if (!gone) return;
        gone.readyState = CLOSED;
        gone.onclose?.({ code: 1006 });
    }

    function heard({ data }) {
        if (data.to && data.to !== me) return;
        if (data.type === "knock" && leading) {
            if (hello({})) tell({ type: "up", to: data.from });
        } else if (data.type === "say" && leading) {
            const frame = JSON.parse(data.text);
            if (frame.type !== "hello") return relay(frame);
            for (const one of hello(frame.conversations ?? {}) ?? []) tell({ type: "frame", to: data.from, frame: one });
        } else if (data.type === "up" && !leading) {
            opened();
        } else if (data.type === "down" && !leading) {
            lost();
        } else if (data.type === "frame" && !leading) {
            socket?.onmessage?.({ data: JSON.stringify(data.frame) });
        } else if (data.type === "news") {
            others.get(data.name)?.(data.detail);
        }
    }

    if (channel) channel.onmessage = heard;
    if (!leading) {
        navigator.locks
            .request(`${name}:lead`, () => {
                leading = true;
                socket = null;
                promoted();
                return new Promise((resolve) => (resign = resolve));
            })
            .catch(() => {
                // Locks are refused to this page: the server's own guard against doubles has to do.
                leading = true;
                promoted();
            });
    }

    return {
        get leading() {
            return leading;
        },
        /** For `connect`: the real line when this tab leads, else the one through the leader. */
        transport: (address, protocol) => (leading ? lineToServer(address, protocol) : lineToLeader()),
        /** For a leader without a socket, who asks by requests: what it heard, and whether it hears anything. */
        mirror: (frame) => leading && tell({ type: "frame", frame }),
        up: (on) => leading && tell({ type: on ? "up" : "down" }),
        /** News between the tabs themselves, leader or not. */
        shout: (news, detail) => tell({ type: "news", name: news, detail }),
        on: (news, listener) => others.set(news, listener),
        close() {
            closed = true;
            resign?.();
            channel?.close();
        },
    };
}

// Sending what was written, whatever the line does: over the socket while it stands, by request when it does not.

import { request } from "../lib/dom.js";
import { openOutbox } from "./outbox.js";

const ACK_MS = 10_000;
const PASSING = ["rate_limited", "temporary_failure", "internal_error"];

export function openDelivery({ app, live, changed, sent }) {
    const acks = new Map();
    let outbox = null;

    live.on("state", (state) => {
        if (state !== "connected") for (const { reject } of acks.values()) reject({});
    });
    live.on("msg.ack", (frame) => acks.get(frame.client_id)?.resolve(frame));
    live.on("msg.nack", (frame) => {
        heard(frame.code);
        acks.get(frame.client_id)?.reject(refusal(frame));
    });

    function heard(code) {
        if (code === "window_closed") app.composer?.window.shut();
    }

    function refusal({ code, detail, retry_after: retryAfter }) {
        return { permanent: !retryAfter && !PASSING.includes(code), reason: detail, retryAfter };
    }

    function fields(item) {
        const more = {};
        if (item.reply_to) more.reply_to = item.reply_to;
        if (item.attachment_ids?.length) more.attachment_ids = item.attachment_ids;
        if (item.mentions?.length) more.mentions = item.mentions;
        return { client_id: item.client_id, body: item.body, private: item.private, ...more };
    }

    // Plain words go over the socket; what carries more goes by request, whose answer names the field that is wrong.
    const isPlain = (item) => !item.attachment_ids?.length && !item.mentions?.length;

    function overSocket(item) {
        return new Promise((resolve, reject) => {
            const timer = setTimeout(() => reject({}), ACK_MS);
            acks.set(item.client_id, { resolve, reject, timer });
            if (!live.send({ type: "msg.send", conversation: item.thread, ...fields(item) })) reject({});
        }).finally(() => {
            clearTimeout(acks.get(item.client_id)?.timer);
            acks.delete(item.client_id);
        });
    }

    async function deliver(item) {
        if (live.state === "connected" && isPlain(item)) return overSocket(item);
        try {
            return await request(`/api/v1/chat/conversations/${item.number}/messages/`, { method: "POST", body: fields(item), signal: AbortSignal.timeout(ACK_MS) });
        } catch (error) {
            heard(error.problem?.code);
            const lasting = error.status >= 400 && error.status < 500 && ![401, 408, 425, 429].includes(error.status);
            throw { permanent: lasting, reason: error.problem?.errors?.[0]?.detail || error.problem?.detail || "" };
        }
    }

    // What is written before the outbox stands waits for it: a quick hand must not lose its first message.
    const ready = openOutbox({ name: `outbox:agent:${app.me.id}`, deliver, sent, changed }).then((opened) => {
        outbox = opened;
        outbox.flushNow();
        return opened;
    });
    const onOnline = () => outbox?.flushNow();
    addEventListener("online", onOnline);

    return {
        add: (item) => ready.then((opened) => opened.add(item)),
        retry: (id) => outbox?.retry(id),
        remove: (id) => outbox?.remove(id),
        flushNow: onOnline,
        close() {
            removeEventListener("online", onOnline);
            ready.then((opened) => opened.close());
        },
    };
}

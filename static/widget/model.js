// What the visitor's side knows: conversations, their messages in the server's order, and what still waits here.

const RANK = { pending: 0, sent: 1, delivered: 2, read: 3 };

export function createModel() {
    const conversations = new Map();
    const threads = new Map();
    // Files this device sent: shown from here until the server has looked through them.
    const sentFiles = new Map();
    let waiting = [];

    function thread(id) {
        if (!threads.has(id)) threads.set(id, { messages: new Map(), loaded: false, typing: null, queue: null, delivered: 0, read: 0 });
        return threads.get(id);
    }

    function put(id, message) {
        const { messages } = thread(id);
        messages.set(message.id, { ...messages.get(message.id), ...message });
    }

    /** One event of a followed conversation, in order. Says which message is new, if one is. */
    function apply({ conversation: id, seq, event, data }) {
        const talk = conversations.get(id);
        const mine = thread(id);
        if (talk) talk.last_seq = Math.max(talk.last_seq ?? 0, seq);
        if (event === "message.created" || event === "message.updated" || event === "message.deleted") {
            if (!data?.id) return null; // erased since: only its place in the order is left
            // What changes a message later has a place of its own in the order; the message keeps its first one.
            put(id, event === "message.created" ? { ...data, seq: data.seq ?? seq } : { ...data, seq: mine.messages.get(data.id)?.seq ?? data.seq });
            if (event !== "message.created") return null;
            if (talk && data.direction !== "activity") {
                talk.preview = data.body || data.attachments?.[0]?.name || "";
                talk.preview_direction = data.direction;
                talk.last_message_at = data.created_at;
            }
            if (data.direction === "out") {
                mine.typing = null;
                mine.read = Math.max(mine.read, seq); // who answers has read what came before
            }
            return data;
        }
        if (event === "message.delivery" && data.by === "agent") {
            mine[data.mark] = Math.max(mine[data.mark] ?? 0, data.seq);
        } else if (event === "message.delivery" && data.by === "contact" && data.mark === "read") {
            if (talk && data.seq >= (talk.unreadUpto ?? 0)) talk.unread = 0; // read in another tab or on another device
        } else if (event === "conversation.status" && talk) {
            talk.status = data.status;
            if (data.status === "resolved") mine.queue = null;
        } else if (event === "conversation.queue") {
            mine.queue = data.position ? data : null;
        } else if (event === "conversation.assigned" && talk) {
            talk.assignee = data.assignee;
            mine.queue = null;
        }
        if (data?.message) put(id, data.message);
        return null;
    }

    function stillHere(message) {
        const files = sentFiles.get(message.client_id);
        const ready = (message.attachments ?? []).every((one) => one.state === "ready" || one.state === "rejected");
        return files && !ready && message.attachments.length === files.length ? files : undefined;
    }

    /** What an answer answers, in a line. */
    function quoted(mine, id) {
        const message = mine.messages.get(id);
        if (!message) return null;
        return { key: message.client_id || message.id, mine: message.direction === "in", name: message.author?.name ?? "", body: message.deleted_at ? "" : message.body || message.attachments?.[0]?.name || "" };
    }

    /** How far a message of the visitor got, as far as anybody told. */
    function delivery(mine, message) {
        const heard = mine.read >= message.seq ? "read" : mine.delivered >= message.seq ? "delivered" : "sent";
        return RANK[message.delivery] > RANK[heard] ? message.delivery : heard;
    }

    return {
        conversations,
        thread,
        put,
        apply,
        keepFiles: (client_id, files) => sentFiles.set(client_id, files),
        setWaiting(items) {
            waiting = items;
        },
        addConversation(talk) {
            conversations.set(talk.id, { ...conversations.get(talk.id), ...talk });
            const mine = thread(talk.id);
            mine.read = Math.max(mine.read, talk.agent_seen_seq ?? 0);
            mine.queue = talk.queue ?? null;
            return conversations.get(talk.id);
        },
        /** Lines of a thread: what the server numbered, then what still waits, each once. */
        lines(id) {
            const mine = thread(id);
            const numbered = [...mine.messages.values()].filter((message) => !message.deleted_at || message.direction !== "activity").sort((a, b) => a.seq - b.seq);
            const known = new Set(numbered.map((message) => message.client_id));
            return [
                ...numbered.map((message) => ({
                    key: message.client_id || message.id,
                    id: message.id,
                    kind: message.direction,
                    type: message.kind ?? "text",
                    mine: message.direction === "in",
                    author: message.direction === "in" ? "me" : (message.author?.id ?? message.direction),
                    name: message.author?.name ?? "",
                    face: message.author?.avatar,
                    body: message.body,
                    html: message.body_html ?? "",
                    meta: message.meta ?? {},
                    attachments: message.attachments ?? [],
                    files: stillHere(message),
                    reply: message.reply_to ? quoted(mine, message.reply_to) : null,
                    edited: Boolean(message.edited_at),
                    deleted: Boolean(message.deleted_at),
                    at: message.created_at,
                    state: message.direction === "in" ? delivery(mine, message) : "",
                })),
                ...waiting
                    .filter((item) => item.thread === id && !known.has(item.client_id))
                    .map((item) => ({ key: item.client_id, kind: "in", type: "text", mine: true, author: "me", name: "", body: item.body, html: "", meta: {}, attachments: [], files: item.files, share: item.share, reply: item.reply_to ? quoted(mine, item.reply_to) : null, at: item.at, state: item.state, reason: item.reason })),
            ];
        },
        recent: () => [...conversations.values()].sort((a, b) => String(b.last_message_at ?? "").localeCompare(String(a.last_message_at ?? ""))),
        unread: () => [...conversations.values()].reduce((sum, talk) => sum + (talk.unread ?? 0), 0),
        clear() {
            conversations.clear();
            threads.clear();
            sentFiles.clear();
            waiting = [];
        },
    };
}

// Files of the message being written: chosen, pasted or dropped; sent up in pieces that can be taken up again.

import { cookie, on, request } from "../lib/dom.js";
import { toast } from "../lib/toast.js";
import { h } from "./dom.js";
import { fill } from "./format.js";

const MOST = 10;
const PIECE_BYTES = 1024 * 1024;
const TRIES = 5;

/** `1,4 MB`. */
export function size(bytes, locale = document.documentElement.lang) {
    const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
    let unit = 0;
    let value = bytes;
    while (value >= 1024 && unit < units.length - 1) {
        value /= 1024;
        unit += 1;
    }
    return new Intl.NumberFormat(locale, { style: "unit", unit: units[unit], unitDisplay: "short", maximumFractionDigits: value < 10 && unit > 1 ? 1 : 0 }).format(value);
}

function put(url, blob, range, signal, progress) {
    return new Promise((resolve, reject) => {
        const call = new XMLHttpRequest();
        call.open("PUT", url);
        call.setRequestHeader("Content-Range", range);
        call.setRequestHeader("Content-Type", "application/octet-stream");
        call.setRequestHeader("X-CSRFToken", cookie("csrftoken"));
        call.setRequestHeader("Accept", "application/json");
        call.responseType = "json";
        call.upload.onprogress = (event) => progress(event.loaded);
        call.onload = () => (call.status < 300 || call.status === 308 ? resolve(call.response) : reject(Object.assign(new Error(call.response?.detail), { status: call.status, answer: call.response })));
        call.onerror = () => reject(new Error());
        call.onabort = () => reject(Object.assign(new Error(), { aborted: true }));
        signal.addEventListener("abort", () => call.abort(), { once: true });
        call.send(blob);
    });
}

/** Upload one file; resolves with the attachment the server made of it. */
export async function upload(file, { signal, progress, voice = false, name = file.name }) {
    const begun = await request("/api/v1/chat/uploads/", { method: "POST", signal, body: { name, bytes: file.size, ...(voice ? { voice: true } : {}) } });
    let sent = 0;
    let tries = 0;
    let answer = begun;
    while (sent < file.size) {
        const end = Math.min(file.size, sent + PIECE_BYTES);
        try {
            answer = await put(begun.put_url, file.slice(sent, end), `bytes ${sent}-${end - 1}/${file.size}`, signal, (done) => progress?.((sent + done) / file.size));
            sent = end;
            tries = 0;
        } catch (error) {
            if (error.aborted || (error.status >= 400 && error.status < 500 && ![408, 409, 416, 429].includes(error.status))) throw error;
            tries += 1;
            if (tries > TRIES) throw error;
            await new Promise((resolve) => setTimeout(resolve, 400 * 2 ** tries));
            // What arrived stays: the server says where to go on.
            const known = await request(`/api/v1/chat/uploads/${begun.id}/`, { signal }).catch(() => null);
            if (known?.received !== undefined) sent = known.received;
        }
    }
    return { ...begun, ...answer };
}

export function openAttach({ form, words, changed }) {
    const list = form.querySelector("[data-files]");
    const input = form.querySelector("[data-file-input]");
    const items = new Map();
    let next = 0;

    function draw(item) {
        const bar = h("progress", { max: 1, value: 0, "aria-label": fill(words.uploading, { name: item.file.name }) });
        const state = h("span.chat-file-state", {}, size(item.file.size));
        const picture = item.file.type.startsWith("image/") ? h("img", { src: URL.createObjectURL(item.file), alt: "" }) : h("span.chat-file-kind", { "aria-hidden": "true" }, (item.file.name.split(".").pop() || "?").slice(0, 4));
        const remove = h("button.icon-button.icon-button-small", { type: "button", "aria-label": fill(words.removeFile, { name: item.file.name }), onclick: () => drop(item.key) }, "×");
        item.node = h("li.chat-file", {}, picture, h("span.chat-file-name", {}, h("span.truncate", {}, item.file.name), state), bar, remove);
        item.say = (text) => (state.textContent = text);
        item.bar = bar;
        list.append(item.node);
        list.hidden = false;
    }

    function drop(key) {
        const item = items.get(key);
        item.control.abort();
        const image = item.node.querySelector("img");
        if (image) URL.revokeObjectURL(image.src);
        item.node.remove();
        items.delete(key);
        list.hidden = !items.size;
        changed();
    }

    async function send(item) {
        try {
            const made = await upload(item.file, { signal: item.control.signal, progress: (part) => (item.bar.value = part) });
            item.id = made.id;
            item.bar.remove();
        } catch (error) {
            if (error.aborted || error.name === "AbortError") return;
            item.failed = true;
            item.node.dataset.failed = "";
            item.bar.remove();
            item.say(error.problem?.errors?.[0]?.detail || error.problem?.detail || error.message || words.uploadFailed);
        }
        changed();
    }

    function add(files) {
        if (!form.hasAttribute("data-may-attach")) return;
        for (const file of files) {
            if (items.size >= MOST) {
                toast(fill(words.tooManyFiles, { count: MOST }), { tone: "error" });
                break;
            }
            const item = { key: (next += 1), file, control: new AbortController(), id: null, failed: false };
            items.set(item.key, item);
            draw(item);
            send(item);
        }
        changed();
    }

    const inThread = form.closest("[data-thread]");
    let depth = 0;
    const carriesFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files") && form.hasAttribute("data-may-attach");
    const over = (state) => inThread.toggleAttribute("data-dropping", state);

    const stops = [
        on(form, "click", "[data-attach]", () => input.click()),
        on(form, "change", "[data-file-input]", () => {
            add([...input.files]);
            input.value = "";
        }),
    ];
    form.addEventListener("paste", (event) => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (!files.length) return;
        event.preventDefault();
        add(files);
    });
    inThread.addEventListener("dragenter", (event) => carriesFiles(event) && (depth += 1) && over(true));
    inThread.addEventListener("dragleave", (event) => carriesFiles(event) && (depth -= 1) <= 0 && over(false));
    inThread.addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    inThread.addEventListener("drop", (event) => {
        if (!carriesFiles(event)) return;
        event.preventDefault();
        depth = 0;
        over(false);
        add([...event.dataTransfer.files]);
    });

    return {
        add,
        get busy() {
            return [...items.values()].some((item) => !item.id && !item.failed);
        },
        get ready() {
            return [...items.values()].filter((item) => item.id);
        },
        clear() {
            for (const key of [...items.keys()]) drop(key);
        },
        close() {
            for (const item of items.values()) if (!item.id) item.control.abort();
            for (const stop of stops) stop();
        },
    };
}

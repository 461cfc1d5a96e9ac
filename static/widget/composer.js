// Where the visitor writes: text, files by choosing, pasting, dropping or camera, emoji and voice on demand.

import { grow, h, icon } from "../js/chat/dom.js";
import { fill } from "../js/chat/format.js";
import { extraStyles, size } from "./lines.js";

const MOST_FILES = 10;

/**
 * limit     bytes a file may have
 * actions   {send({body, files, reply_to}), draft(text), say(words)}
 * stage     where files may be dropped
 */
export function createComposer({ boot, actions, stage }) {
    let text = boot.texts;
    let locale = boot.locale;
    let files = [];
    let answering = null;
    let opened = null;

    const limit = boot.fileLimit ?? 10_000_000;
    const field = h("textarea.field", { rows: "1", maxlength: "8000", enterkeyhint: "send", oninput: onInput, onkeydown: onKey });
    const send = h("button.send", { type: "submit", disabled: true }, icon("send"));
    const picker = h("input.visually-hidden", { type: "file", multiple: true, tabindex: "-1", "aria-hidden": "true", onchange: () => take(picker) });
    const camera = h("input.visually-hidden", { type: "file", accept: "image/*", capture: "environment", tabindex: "-1", "aria-hidden": "true", onchange: () => take(camera) });
    const attach = h("button.tool", { type: "button", onclick: () => picker.click() }, icon("clip"));
    const shoot = h("button.tool.touch-only", { type: "button", onclick: () => camera.click() }, icon("camera"));
    const smile = h("button.tool", { type: "button", "aria-expanded": "false", "aria-haspopup": "dialog", onclick: () => toggle("emoji", smile) }, icon("smile"));
    const speak = h("button.tool", { type: "button", onclick: () => toggle("voice", speak) }, icon("mic"));
    const tray = h("ul.tray", { hidden: true });
    const reply = h("p.replying", { hidden: true });
    const lane = h("div.lane", { hidden: true });
    const tools = h("div.tools", {}, attach, shoot, smile, speak, h("span.gap"), send);
    const watched = h("p.watched", { id: "watched" });
    const node = h("form.composer", { onsubmit: onSubmit }, reply, tray, field, watched, tools, picker, camera);
    const drop = h("p.drop", { hidden: true, "aria-hidden": "true" });

    function onInput() {
        grow(field, 128);
        ready();
        actions.draft(field.value);
    }

    function ready() {
        send.disabled = !field.value.trim() && !files.length;
    }

    function onKey(event) {
        if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) onSubmit(event);
    }

    function onSubmit(event) {
        event.preventDefault();
        const body = field.value.trim();
        if (!body && !files.length) return;
        const taken = files;
        const reply_to = answering?.id ?? null;
        field.value = "";
        files = [];
        answer(null);
        drawTray();
        onInput();
        shut();
        field.focus();
        actions.send({ body, files: taken, reply_to });
    }

    // --- Files ----------------------------------------------------------------------------------------

    function take(input) {
        add([...input.files]);
        input.value = "";
        field.focus();
    }

    function add(chosen) {
        if (!may("attachments")) return;
        for (const blob of chosen) {
            if (blob.size > limit) actions.say(fill(text.fileTooBig, { name: blob.name, size: size(limit, locale) }));
            else if (files.length >= MOST_FILES) actions.say(fill(text.tooManyFiles, { count: MOST_FILES }));
            else if (blob.size) files.push({ name: blob.name || "image.png", type: blob.type, blob });
        }
        drawTray();
    }

    function drawTray() {
        tray.hidden = !files.length;
        tray.replaceChildren(
            ...files.map((file, at) => {
                const address = /^image\//.test(file.type) ? URL.createObjectURL(file.blob) : null;
                const shown = address ? h("img", { src: address, alt: "", onload: () => URL.revokeObjectURL(address) }) : icon("file");
                const remove = h("button.tray-remove", { type: "button", "aria-label": fill(text.removeFile, { name: file.name }), onclick: () => {
                    files = files.filter((one) => one !== file);
                    drawTray();
                    (tray.querySelectorAll("button")[Math.min(at, files.length - 1)] ?? field).focus();
                } }, icon("close"));
                return h("li", {}, shown, h("span.tray-name", {}, file.name), remove);
            }),
        );
        ready();
    }

    function may(feature) {
        // The form in the chat's place keeps words only.
        return boot.features?.[feature] === true && !(boot.form && feature !== "emoji");
    }

    field.addEventListener("paste", (event) => {
        const pasted = [...(event.clipboardData?.files ?? [])];
        if (!pasted.length || !may("attachments")) return;
        event.preventDefault();
        add(pasted);
    });
    const carries = (event) => may("attachments") && !node.hidden && event.dataTransfer?.types.includes("Files");
    stage.addEventListener("dragover", (event) => {
        if (!carries(event)) return;
        event.preventDefault();
        drop.hidden = false;
    });
    stage.addEventListener("dragleave", (event) => {
        if (!stage.contains(event.relatedTarget)) drop.hidden = true;
    });
    stage.addEventListener("drop", (event) => {
        drop.hidden = true;
        if (!carries(event)) return;
        event.preventDefault();
        add([...event.dataTransfer.files]);
        field.focus();
    });

    // --- What is fetched only when somebody wants it ---------------------------------------------------

    async function toggle(name, button) {
        const same = opened?.name === name;
        shut();
        if (same) return field.focus();
        opened = { name, button };
        extraStyles();
        button.setAttribute("aria-expanded", "true");
        try {
            const part = name === "emoji" ? await import("./emoji.js") : await import("./voice.js");
            if (opened?.button !== button) return;
            opened.part = part.open({ lane, text, say: actions.say, shut: close, pick: insert, done: (file) => {
                close();
                actions.send({ body: "", files: [file], reply_to: null });
            } });
            lane.hidden = false;
            node.classList.toggle("recording", name === "voice");
        } catch {
            shut();
            actions.say(text.partFailed);
        }
    }

    function shut() {
        opened?.button.setAttribute("aria-expanded", "false");
        opened?.part?.stop?.();
        opened = null;
        lane.hidden = true;
        lane.replaceChildren();
        node.classList.remove("recording");
    }

    function close() {
        const button = opened?.button;
        shut();
        button?.focus();
    }

    function insert(words) {
        field.setRangeText(words, field.selectionStart, field.selectionEnd, "end");
        onInput();
    }

    function answer(item) {
        answering = item;
        reply.hidden = !item;
        if (!item) return;
        reply.replaceChildren(
            h("span", {}, fill(text.answering, { name: item.mine ? text.me : item.name || boot.name })),
            h("span.replying-body", {}, item.body),
            h("button.tray-remove", { type: "button", "aria-label": text.cancel, onclick: () => {
                answer(null);
                field.focus();
            } }, icon("close")),
        );
        field.focus();
    }

    function words() {
        field.placeholder = text.placeholder;
        field.setAttribute("aria-label", text.placeholder);
        watched.textContent = text.watched;
        for (const [button, label] of [[send, text.send], [attach, text.attach], [shoot, text.camera], [smile, text.emoji], [speak, text.voice]]) {
            button.setAttribute("aria-label", label);
            button.title = label;
        }
        drop.textContent = text.dropHere;
    }

    function features() {
        watched.hidden = !may("preview");
        if (watched.hidden) field.removeAttribute("aria-describedby");
        else field.setAttribute("aria-describedby", "watched");
        attach.hidden = shoot.hidden = !may("attachments");
        smile.hidden = !may("emoji");
        speak.hidden = !may("voice") || !may("attachments") || !navigator.mediaDevices || !window.MediaRecorder;
    }

    words();
    features();
    return {
        node,
        lane,
        drop,
        field,
        answer,
        features,
        get busy() {
            return Boolean(opened);
        },
        /** Esc shuts what is open before it shuts the chat. */
        escape() {
            if (opened) return close(), true;
            if (answering) return answer(null), true;
            return false;
        },
        setTexts(next) {
            text = next.texts;
            locale = next.locale;
            words();
        },
        set(draft) {
            field.value = draft;
            files = [];
            answer(null);
            drawTray();
            grow(field, 128);
            ready();
        },
        focus: () => field.focus(),
    };
}

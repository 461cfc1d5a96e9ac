// WhatsApp's 24 hours: until when free words may be sent, and the templates that may be sent afterwards.

import { on, request } from "../lib/dom.js";
import { openDialog } from "../lib/dialog.js";
import { uuid } from "../lib/socket.js";
import { h } from "./dom.js";
import { fill } from "./format.js";

const WINDOW_MS = 86_400_000;
const MINUTE_MS = 60_000;
const SOON_MS = 2 * 3_600_000;

/** `{open, heard(at), shut(), close()}`; `changed` is told when the window opens or ends. Nothing for other channels. */
export function openServiceWindow({ app, article, form, changed }) {
    const bar = form.querySelector("[data-window]");
    if (!bar) return { open: true, heard() {}, shut() {}, close() {} };
    const words = app.words.window;
    const line = bar.querySelector("[data-window-text]");
    let ends = Date.parse(bar.dataset.window) || 0;
    let was = null;

    function left() {
        const minutes = Math.ceil((ends - Date.now()) / MINUTE_MS);
        return minutes >= 60 ? fill(words.hours, { hours: Math.floor(minutes / 60), minutes: minutes % 60 }) : fill(words.minutes, { minutes });
    }

    function draw() {
        const open = Date.now() < ends;
        const said = open ? fill(words.left, { time: left() }) : words.over;
        // Read aloud when it ends, not every minute.
        if (line.textContent !== said) line.textContent = said;
        bar.hidden = false;
        bar.dataset.state = open ? (ends - Date.now() < SOON_MS ? "soon" : "open") : "over";
        if (open === was) return;
        const first = was === null;
        was = open;
        if (!first) app.announce(said);
        changed();
    }

    const timer = setInterval(draw, MINUTE_MS / 2);
    const templates = openTemplates({ app, article });
    const stop = on(bar, "click", "[data-templates]", () => templates.open());
    queueMicrotask(draw);

    return {
        get open() {
            return Date.now() < ends;
        },
        /** The person wrote: another 24 hours. */
        heard(at) {
            ends = Math.max(ends, (Date.parse(at) || Date.now()) + WINDOW_MS);
            draw();
        },
        /** The server refused free words: its clock counts. */
        shut() {
            ends = 0;
            draw();
        },
        close() {
            clearInterval(timer);
            stop();
        },
    };
}

function openTemplates({ app, article }) {
    const dialog = document.getElementById("chat-templates");
    const form = dialog?.querySelector("form");
    if (!form) return { open() {} };
    const { words } = app;
    const inbox = article.dataset.inbox;
    const choice = form.elements.template;
    const fields = form.querySelector("[data-values]");
    const shown = form.querySelector("[data-template-body]");
    const status = form.querySelector("[role=status]");
    const problem = form.querySelector("[role=alert]");
    const send = form.querySelector("[type=submit]");
    let rows = [];
    let id = "";

    const values = () => [...fields.querySelectorAll("input")].map((input) => input.value.trim());

    function preview() {
        const row = rows[choice.selectedIndex];
        const given = values();
        shown.textContent = row ? row.body.replace(/\{\{(\d+)\}\}/g, (mark, number) => given[number - 1] || mark) : "";
    }

    function choose() {
        const row = rows[choice.selectedIndex];
        fields.replaceChildren(
            ...Array.from({ length: row?.values ?? 0 }, (_, at) => {
                const field = `chat-template-${at + 1}`;
                return h("div.field", {}, h("label.field-label", { for: field }, fill(words.window.value, { number: at + 1 })), h("input.input", { id: field, maxlength: 1024, required: true, autocomplete: "off" }));
            }),
        );
        // The first value is nearly always whom one speaks to.
        const first = fields.querySelector("input");
        if (first) first.value = article.dataset.name;
        preview();
    }

    function say(text) {
        status.textContent = text;
        status.hidden = !text;
    }

    function refuse(error) {
        problem.textContent = error.problem?.errors?.[0]?.detail || error.problem?.detail || words.actionFailed;
        problem.hidden = false;
    }

    async function load() {
        rows = [];
        say(words.window.loading);
        try {
            rows = await request(`/api/v1/chat/inboxes/${inbox}/templates/`);
            say(rows.length ? "" : words.window.none);
        } catch (error) {
            say("");
            refuse(error);
        }
        choice.replaceChildren(...rows.map((row) => h("option", {}, `${row.name} · ${row.language}`)));
        form.querySelector("[data-template-parts]").hidden = send.disabled = !rows.length;
        choose();
        if (rows.length) choice.focus();
    }

    choice.onchange = choose;
    fields.oninput = preview;
    form.onsubmit = async (event) => {
        event.preventDefault();
        const row = rows[choice.selectedIndex];
        if (!row || send.disabled) return;
        problem.hidden = send.disabled = true;
        try {
            const body = { client_id: id, name: row.name, language: row.language, values: values() };
            await request(`/api/v1/chat/conversations/${article.dataset.number}/template/`, { method: "POST", body });
            dialog.close();
            app.thread?.toEnd();
        } catch (error) {
            refuse(error);
        } finally {
            send.disabled = false;
        }
    };
    return {
        open() {
            id = uuid();
            problem.hidden = true;
            form.querySelector("[data-template-parts]").hidden = send.disabled = true;
            openDialog(dialog);
            load();
        },
    };
}

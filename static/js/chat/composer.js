// Writing: reply or note, what it answers, what it changes, and telling the other side that somebody types.

import { on, plain, request } from "../lib/dom.js";
import { toast } from "../lib/toast.js";
import { openArticles } from "./articles.js";
import { openAttach } from "./attach.js";
import { grow, h } from "./dom.js";
import { openDrafts } from "./drafts.js";
import { openEmoji } from "./emoji.js";
import { initials } from "./format.js";
import { openPix } from "./pix.js";
import { preference } from "./preferences.js";
import { openServiceWindow } from "./service-window.js";
import { openSuggest } from "./suggest.js";
import { openVoice } from "./voice.js";

const TYPING_EVERY_MS = 3_000;
const TYPING_ENDS_MS = 6_000;

export function openComposer({ app, article, send, typing }) {
    const form = article.querySelector("[data-composer]");
    if (!form) return null;
    const { words, me } = app;
    const field = form.querySelector("textarea");
    const button = form.querySelector("[data-send]");
    const modes = [...form.querySelectorAll("[name=private]")];
    const answering = form.querySelector("[data-answering]");
    const people = JSON.parse(form.dataset.people || "[]");
    const narrow = matchMedia("(width < 760px)");
    const drafts = openDrafts({ me, article, stored: JSON.parse(form.dataset.drafts || "{}") });
    const mentioned = new Map();
    let answers = null;
    let edits = null;
    let typedAt = 0;
    let ends = 0;

    const hidden = () => form.querySelector("[name=private]:checked").value === "1";
    const freely = openServiceWindow({ app, article, form, changed });
    const files = openAttach({ form, words, changed });
    const voice = openVoice({ form, words, send: (fields) => send({ private: hidden(), reply_to: answers?.id ?? null, ...fields }) });

    function restore() {
        const mode = hidden() ? "note" : "reply";
        form.dataset.mode = mode;
        // A whole sentence does not fit beside a thumb.
        field.placeholder = narrow.matches ? field.dataset[`${mode}Short`] : field.dataset[mode];
        button.querySelector("span").textContent = button.querySelector("span").dataset[mode];
        field.value = drafts.read(hidden());
        changed();
    }

    /** Free words to somebody whose channel takes only templates now would only come back. */
    const shut = () => !hidden() && !edits && !freely.open;

    function changed() {
        grow(field, 240);
        form.toggleAttribute("data-shut", shut());
        field.disabled = shut();
        button.disabled = shut() || files.busy || (!field.value.trim() && !files.ready.length);
    }

    function stop() {
        clearTimeout(ends);
        if (typedAt) typing(false, hidden());
        typedAt = 0;
    }

    function onInput() {
        changed();
        if (!edits) drafts.write(hidden(), field.value);
        if (!field.value || edits) return stop();
        if (Date.now() - typedAt > TYPING_EVERY_MS) {
            typedAt = Date.now();
            typing(true, hidden());
        }
        clearTimeout(ends);
        ends = setTimeout(stop, TYPING_ENDS_MS);
        return null;
    }

    function insert(text) {
        field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
        field.focus();
        field.dispatchEvent(new Event("input", { bubbles: true }));
    }

    // --- Answering and changing ---------------------------------------------------------------------

    function showAnswering(label, text) {
        answering.hidden = !label;
        if (label) answering.querySelector("[data-answering-text]").replaceChildren(h("strong", {}, label), ` ${text}`);
    }

    function release() {
        if (edits) field.value = drafts.read(hidden());
        answers = edits = null;
        showAnswering("");
        changed();
    }

    async function saveEdit(body) {
        const { id } = edits;
        release();
        try {
            await request(`/api/v1/chat/messages/${id}/`, { method: "PATCH", body: { body } });
        } catch (error) {
            toast(error.problem?.detail || words.actionFailed, { tone: "error" });
        }
    }

    // --- Sending ------------------------------------------------------------------------------------

    function signed(body) {
        const { signature } = form.dataset;
        return signature && !hidden() && preference("sign", form.hasAttribute("data-signs")) ? `${body}\n\n${signature}` : body;
    }

    function submit(then = "") {
        const body = field.value.trim();
        const ready = files.ready;
        if (shut() || files.busy || (!body && !ready.length)) {
            if (then === "resolve" && !files.busy) app.actions.resolve();
            return;
        }
        suggest.close();
        stop();
        if (edits) {
            saveEdit(body);
            return field.focus();
        }
        send({
            body: body ? signed(body) : "",
            private: hidden(),
            reply_to: answers?.id ?? null,
            attachment_ids: ready.map((item) => item.id),
            files: ready.map((item) => ({ name: item.file.name })),
            mentions: hidden() ? [...mentioned].filter(([, name]) => body.includes(`@${name}`)).map(([id]) => id) : [],
            then,
        });
        field.value = "";
        answers = null;
        mentioned.clear();
        showAnswering("");
        files.clear();
        drafts.drop(hidden());
        changed();
        return field.focus();
    }

    function onKey(event) {
        if (suggest.key(event)) return;
        if (event.key === "Escape" && (answers || edits)) {
            event.preventDefault();
            event.stopPropagation();
            return release();
        }
        // The last thing I said, to correct it: as in every messenger.
        if (event.key === "ArrowUp" && !field.value && !event.shiftKey) {
            const last = app.thread?.last((line) => line.mine && line.id && line.shape === "text");
            if (last) {
                event.preventDefault();
                return edit(last);
            }
        }
        if (event.key !== "Enter" || event.isComposing || event.keyCode === 229) return;
        const always = event.ctrlKey || event.metaKey;
        if (!always && !(preference("enter") && !event.shiftKey && !event.altKey)) return;
        event.preventDefault();
        submit(always && event.shiftKey ? "resolve" : "");
    }

    function onMode() {
        stop();
        if (edits) release();
        restore();
        field.focus();
    }

    const suggest = openSuggest({
        field,
        box: form.querySelector("[data-suggestions]"),
        sources: [
            {
                match: /(?:^|\s)\/([^\s/]{0,40})$/u,
                when: () => !edits,
                async find(query, signal) {
                    const { results } = await request(`/api/v1/chat/canned/?q=${encodeURIComponent(query)}&conversation=${article.dataset.number}`, { signal });
                    return results.map((one) => ({ id: one.id, title: `/${one.shortcut}`, hint: one.text || one.body, text: one.text || one.body }));
                },
                insert: (item) => item.text,
            },
            {
                match: /(?:^|\s)@([^\s@]{0,40})$/u,
                when: () => hidden() && people.length > 0,
                find: async (query) =>
                    people
                        .filter((one) => one.id !== me.id && plain(one.name).split(" ").some((part) => part.startsWith(plain(query))))
                        .map((one) => ({ id: one.id, title: one.name, face: h("span.avatar.avatar-small", { "aria-hidden": "true" }, one.picture ? h("img", { src: `/people/${one.id}/picture/${one.picture.split("/").pop()}`, alt: "" }) : initials(one.name)) })),
                insert(item) {
                    mentioned.set(item.id, item.title);
                    return `@${item.title} `;
                },
            },
        ],
    });
    const articles = openArticles({ app });
    const pix = openPix({ app, article });
    openEmoji({ popover: form.querySelector("[data-emoji]"), choose: insert, words });

    form.addEventListener("submit", (event) => {
        event.preventDefault();
        submit();
    });
    field.addEventListener("input", onInput);
    field.addEventListener("keydown", onKey);
    const stops = [
        on(form, "change", "[name=private]", onMode),
        on(form, "click", "[data-answering-close]", () => {
            release();
            field.focus();
        }),
        on(form, "click", "[data-canned]", () => {
            const gap = field.value && !/\s$/.test(field.value.slice(0, field.selectionStart)) ? " " : "";
            insert(`${gap}/`);
        }),
        on(form, "click", "[data-send-resolve]", () => submit("resolve")),
        on(form, "click", "[data-article]", () => articles.open()),
        on(form, "click", "[data-pix]", () => pix.open()),
    ];
    // The form works without us; with us nothing is required, an empty field only does nothing.
    field.required = false;
    restore();

    function setMode(note) {
        const mode = modes.find((one) => one.value === (note ? "1" : "0"));
        if (mode.checked) return;
        mode.checked = true;
        restore();
    }

    function edit(line) {
        setMode(line.private);
        answers = null;
        edits = { id: line.id };
        field.value = app.thread.textOf(line);
        showAnswering(words.editing, field.value.slice(0, 140));
        changed();
        field.focus();
        field.setSelectionRange(field.value.length, field.value.length);
    }

    return {
        focus(note) {
            setMode(note);
            field.focus();
        },
        answer(line) {
            if (edits) release();
            setMode(line.private);
            answers = { id: line.id };
            showAnswering(line.mine ? words.you : line.name || words.visitor, app.thread.textOf(line).slice(0, 140));
            field.focus();
        },
        edit,
        insert,
        window: freely,
        close() {
            stop();
            freely.close();
            drafts.close();
            files.close();
            voice.close();
            for (const one of stops) one();
        },
    };
}

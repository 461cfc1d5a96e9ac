// One line of a thread, whatever it carries: text, files, an article, a question, a call.

import { h, icon } from "../js/chat/dom.js";
import { callText, clock, fill, initials, linked } from "../js/chat/format.js";

const STATE_ICONS = { queued: "clock", sending: "clock", sent: "check", delivered: "check-check", read: "check-check" };
// Drawn by a part that is fetched when the first of them appears.
const CARDS = new Set(["article", "csat", "call", "pix"]);
const KEPT = new Set(["B", "STRONG", "I", "EM", "S", "U", "CODE", "PRE", "BLOCKQUOTE", "P", "BR", "UL", "OL", "LI", "A"]);

/** Pictures of the team, by the name visitors read. */
export const pictures = {};

export function face(name) {
    const src = pictures[name];
    return src ? h("img.face", { src, alt: "", title: name }) : h("span.face", { title: name }, initials(name));
}

/** `1,4 MB`, as people say it. */
export function size(bytes, locale) {
    const [value, unit] = bytes < 1_000_000 ? [Math.max(1, Math.round(bytes / 1000)), "kilobyte"] : [bytes / 1_000_000, "megabyte"];
    return new Intl.NumberFormat(locale, { style: "unit", unit, maximumFractionDigits: 1 }).format(value);
}

/** `2:05`. */
export function duration(seconds) {
    const whole = Math.round(seconds);
    return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

/** The looks of what is rarely seen; the page names the sheet, and browsers fetch it once it is wanted. */
export function extraStyles() {
    document.querySelector("link[data-extras]")?.removeAttribute("disabled");
}

/** The server cleaned this; still only harmless elements are copied, so that no mistake there becomes one here. */
export function rich(html, more = []) {
    const kept = new Set([...KEPT, ...more]);
    const copied = (from, into) => {
        for (const node of from.childNodes) {
            if (node.nodeType === Node.TEXT_NODE) into.append(node.data);
            else if (kept.has(node.nodeName)) {
                const link = node.nodeName === "A";
                const href = link ? (node.getAttribute("href") ?? "") : "";
                if (link && !/^(https?:|mailto:|tel:|\/)/i.test(href)) copied(node, into);
                else into.append(copied(node, h(node.nodeName.toLowerCase(), link ? { href, target: "_blank", rel: "noopener noreferrer nofollow ugc" } : node.nodeName === "IMG" ? { src: node.getAttribute("src"), alt: node.alt, loading: "lazy" } : {})));
            } else if (!/^(SCRIPT|STYLE|TEMPLATE)$/.test(node.nodeName) && node.nodeType === Node.ELEMENT_NODE) copied(node, into);
        }
        return into;
    };
    return copied(new DOMParser().parseFromString(html, "text/html").body, h("div.rich"));
}

export function createLines({ boot, actions }) {
    const previews = new WeakMap();
    let text = boot.texts;
    let locale = boot.locale;
    let cards = null;
    let fetching = null;

    function preview(blob) {
        if (!previews.has(blob)) previews.set(blob, URL.createObjectURL(blob));
        return previews.get(blob);
    }

    function picture(address, name, { thumb = address, width, height } = {}) {
        return h("a.picture", { href: address, target: "_blank", rel: "noopener", "aria-label": fill(text.openFile, { name }) }, h("img", { src: thumb, alt: name, loading: "lazy", width, height }));
    }

    function chip(name, note, address) {
        const words = h("span.file-words", {}, h("span.file-name", {}, name), h("span.file-note", {}, note));
        return address ? h("a.file", { href: address, target: "_blank", rel: "noopener", download: name }, icon("file"), words) : h("span.file", {}, icon("file"), words);
    }

    function attachment(one) {
        if (one.state === "rejected") return chip(one.name, text.fileRefused);
        if (one.state === "uploading" || one.state === "scanning" || !one.url) return chip(one.name, text.fileChecked);
        if (one.kind === "image") return picture(one.url, one.name, { thumb: one.thumb_url || one.url, width: one.width, height: one.height });
        if (one.kind === "audio") return h("audio", { controls: true, preload: "metadata", src: one.url, "aria-label": one.name });
        if (one.kind === "video") return h("video", { controls: true, preload: "metadata", playsinline: true, src: one.url, poster: one.thumb_url || null, "aria-label": one.name });
        return chip(one.name, size(one.bytes, locale), one.url);
    }

    /** A file that still waits on this device. */
    function local(file) {
        if (/^image\//.test(file.type)) return picture(preview(file.blob), file.name);
        if (/^audio\//.test(file.type)) return h("audio", { controls: true, src: preview(file.blob), "aria-label": file.name });
        return chip(file.name, size(file.blob.size, locale));
    }

    function quote({ key, mine, name, body }) {
        return h("button.quote", { type: "button", onclick: () => actions.jump(key) }, h("span.quote-name", {}, mine ? text.me : name || boot.name), h("span.quote-body", {}, body || text.deletedMessage));
    }

    function fetchCards() {
        fetching ??= import("./cards.js").then(({ createCards }) => {
            cards = createCards({ actions, duration });
            extraStyles();
            actions.again();
        }, () => (fetching = null));
    }

    function content(item) {
        if (item.deleted) return [h("p.bubble.gone", {}, text.deletedMessage)];
        const said = h("span.visually-hidden", {}, `${item.mine ? text.me : item.name || boot.name}: `);
if (CARDS.has(item.type)) return [h("div.bubble.special", {}, said, cards ? cards.draw(item, { text, locale }) : (fetchCards(), h("span", {}, item.body)))];
        const parts = [];
        const words = item.body ? (item.html && !item.mine ? rich(item.html) : linked(item.body)) : null;
        if (words || item.reply) parts.push(h("div.bubble", {}, said, item.reply ? quote(item.reply) : null, words));
        const files = item.files ? item.files.map(local) : item.attachments.map(attachment);
        if (files.length) parts.push(h("div.files", {}, words ? null : said, files));
        return parts;
    }

    /** What a bot offers to answer, under its newest words. */
    function choices(item) {
        const offered = item.meta.quick_replies ?? item.meta.options ?? [];
        if (!offered.length) return null;
        return h("div.choices", { role: "group", "aria-label": text.choices }, offered.map((one) => {
            const label = one.label ?? one.title ?? one.text ?? String(one);
            return h("button.choice", { type: "button", onclick: () => actions.choose(item, one, label) }, label);
        }));
    }

    function articles(item) {
        const shown = item.type === "article" ? [] : (item.meta.articles ?? item.meta.sources ?? []);
        return shown.filter((one) => one?.title).map((one) => h("button.card", { type: "button", onclick: () => actions.article(one) }, icon("book"), h("span.card-words", {}, h("span.card-title", {}, one.title), one.excerpt ? h("span.card-note", {}, one.excerpt) : null)));
    }

    return {
        get whole() {
            return Boolean(cards);
        },
        setTexts(next) {
            text = next.texts;
            locale = next.locale;
        },
        line(item, { first, last, newest }) {
            const node = h("div.message", { "data-mine": item.mine, "data-first": first, "data-last": last, "data-state": item.state || null, "data-key": item.key, "data-type": item.type });
            if (item.face) pictures[item.name] = item.face;
            if (!item.mine) node.append(last ? face(item.name || boot.name) : h("span.face-gap"));
            const column = h("div.column", {}, first && !item.mine && item.name ? h("span.author", { "aria-hidden": "true" }, item.kind === "bot" ? fill(text.bot, { name: item.name }) : item.name) : null, content(item), articles(item), newest && !item.mine ? choices(item) : null);
            if (item.share !== undefined && item.files?.length && item.state !== "failed") {
                column.append(h("p.sharing", {}, h("progress", { max: 1, value: item.share, "aria-label": text.uploading }), h("button", { type: "button", onclick: () => actions.discard(item.key) }, text.cancel)));
            }
            if (item.state === "failed") {
                column.append(
                    h("p.failed", {}, icon("alert"), h("span", {}, item.reason || text.failed),
                        h("button", { type: "button", onclick: () => actions.retry(item.key) }, text.retry),
                        h("button", { type: "button", onclick: () => actions.discard(item.key) }, text.discard)),
                );
            } else if (last) {
                const edited = item.edited && !item.deleted ? h("span", {}, text.edited) : null;
                column.append(h("p.stamp", {}, h("time", { datetime: new Date(item.at).toISOString() }, clock(item.at, locale)), edited, item.mine ? [icon(STATE_ICONS[item.state]), h("span.state", {}, text[item.state])] : null));
            }
            node.append(column);
            if (item.id && !item.deleted && item.type === "text") {
                node.append(h("button.answer", { type: "button", "aria-label": text.answer, title: text.answer, onclick: () => actions.answer(item) }, icon("reply")));
            }
            return node;
        },
        activity({ meta }) {
            if (meta?.action === "left") return text.left;
            if (meta?.action === "assigned" && meta.to) return fill(text.joined, { name: meta.to.name });
            if (meta?.action === "status" && meta.to === "resolved") return meta.by_contact ? text.endedByYou : text.resolved;
            if (meta?.action === "status" && meta.from === "resolved") return text.reopened;
            if (meta?.action === "call") return callText(meta, meta.agent?.name || boot.name, text.callLines);
            return "";
        },
    };
}

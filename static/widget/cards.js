// Messages that are more than words: an article, a question about the service, a call, a Pix charge.

import { h, icon } from "../js/chat/dom.js";
import { fill, linked } from "../js/chat/format.js";

const FACES = ["angry", "frown", "meh", "smile", "laugh"];

export function createCards({ actions, duration }) {
    let text = {};
    let locale = "";

    /** What a bot or an agent says, and the article it comes from. */
    function article({ meta, body }) {
        const one = meta.article ?? meta;
        return [
            body && body !== one.title ? h("p.said", {}, linked(body)) : null,
            h("button.card", { type: "button", onclick: () => actions.article(one) }, icon("book"), h("span.card-words", {}, h("span.card-title", {}, one.title || body), one.excerpt ? h("span.card-note", {}, one.excerpt) : null)),
        ].filter(Boolean);
    }

    /** How content somebody is: faces, stars, numbers or thumbs, then a word about it. */
    function rating(item) {
        const { meta } = item;
        if (meta.rating !== null && meta.rating !== undefined) return [h("p.rated", {}, h("strong", {}, item.body)), h("p.card-note", {}, meta.thanks || text.csatThanks)];
        const [low, high] = [meta.min ?? 1, meta.max ?? 5];
        const signs = { faces: FACES, stars: Array(5).fill("star"), thumbs: ["thumb-down", "thumb-up"] }[meta.scale] ?? [];
        const name = `rate-${item.key}`;
        const comment = h("textarea.input", { rows: "2", maxlength: "2000", "aria-label": meta.comment_prompt || text.csatComment, placeholder: meta.comment_prompt || text.csatComment });
        const more = h("div.rate-more", { hidden: true }, comment, h("button.small", { type: "submit" }, text.csatSend));
        const show = () => {
            more.hidden = false;
            more.scrollIntoView({ block: "nearest" });
        };
        const words = (value) => [fill(text.csatScore, { score: value, scale: high }), value === low ? meta.low : value === high ? meta.high : ""].filter(Boolean).join(" · ");
        const choices = Array.from({ length: high - low + 1 }, (_, at) =>
            h("label.rate", {}, h("input", { type: "radio", name, value: low + at, "aria-label": words(low + at), onchange: show }), signs[at] ? icon(signs[at]) : h("span", {}, low + at)),
        );
        return h(
            "form.rating",
            {
                "data-scale": meta.scale,
                onsubmit: (event) => {
                    event.preventDefault();
                    actions.rate(item, Number(new FormData(event.target).get(name)), comment.value.trim());
                },
            },
            h("fieldset", {}, h("legend", {}, item.body || text.csatQuestion), h("div.rates", {}, choices), h("p.rate-ends", { "aria-hidden": "true" }, h("span", {}, meta.low), h("span", {}, meta.high))),
            more,
        );
    }

    function call({ meta }) {
        const missed = meta.outcome === "missed" || meta.missed;
        const what = meta.video ? (missed ? text.missedVideo : text.videoCall) : missed ? text.missedCall : text.voiceCall;
        return h("p.call", {}, icon(meta.video ? "video" : "phone"), h("span", {}, meta.duration_s ? `${what} · ${duration(meta.duration_s)}` : what));
    }

    /** A Pix charge: the amount, the code as a picture and to copy; dark on white in every theme, as scanners want it. */
    function pix({ meta, body }) {
        const amount = new Intl.NumberFormat(locale, { style: "currency", currency: meta.amount?.currency ?? "BRL" }).format(Number(meta.amount?.amount ?? 0));
        const expired = meta.state === "expired" || (meta.state === "open" && meta.expires_at && Date.parse(meta.expires_at) < Date.now());
        const copy = h("button.small", { type: "button", onclick: () => navigator.clipboard?.writeText(meta.brcode).then(() => (copy.textContent = text.copied), () => code.select()) }, text.copyPix);
        const code = h("textarea.input.pix-code", { readonly: true, rows: "2", "aria-label": text.copyPix, onfocus: (event) => event.target.select() }, meta.brcode);
        const state = { paid: text.pixPaid, cancelled: text.pixCancelled }[meta.state] ?? (expired ? text.pixExpired : "");
        return h("div.pix", {}, h("strong.pix-amount", {}, amount), body ? h("p", {}, body) : null, state ? h("p.pix-state", { "data-state": meta.state }, state) : [meta.qr ? square(meta.qr) : null, code, copy]);
    }

    function square({ size, path }) {
        const space = "http://www.w3.org/2000/svg";
        const svg = document.createElementNS(space, "svg");
        for (const [name, value] of Object.entries({ viewBox: `0 0 ${size} ${size}`, class: "pix-square", role: "img", "aria-label": text.pixCode, "shape-rendering": "crispEdges" })) svg.setAttribute(name, value);
        const line = document.createElementNS(space, "path");
        line.setAttribute("d", path);
        svg.append(line);
        return svg;
    }

    const kinds = { article, csat: rating, call, pix };
    return {
        draw(item, words) {
            ({ text, locale } = words);
            return kinds[item.type](item);
        },
    };
}

// Articles inside the chat: found while one types, read without leaving.

import { h, icon } from "../js/chat/dom.js";
import { fill } from "../js/chat/format.js";
import { extraStyles, rich } from "./lines.js";

const PAUSE_MS = 250;
const BLOCKS = ["H2", "H3", "H4", "IMG", "FIGURE", "FIGCAPTION", "TABLE", "THEAD", "TBODY", "TR", "TH", "TD", "HR"];

export function createHelp({ boot, api, input, results, open }) {
    let asked = 0;
    let timer = 0;

    input.addEventListener("input", () => {
        clearTimeout(timer);
        timer = setTimeout(search, PAUSE_MS);
    });

    async function search() {
        const wanted = input.value.trim();
        asked += 1;
        const mine = asked;
        let found = [];
        try {
            const answer = await api.articles(wanted, boot.locale);
            found = answer.results ?? answer;
        } catch {
            if (mine === asked) results.replaceChildren(h("p.help-none", {}, boot.texts.helpFailed));
            return;
        }
        if (mine !== asked) return;
        results.replaceChildren(
            ...(found.length
                ? [h("ul.help-list", {}, found.map((one) => h("li", {}, h("button.help-row", { type: "button", onclick: () => open(one) }, h("span.card-words", {}, h("span.card-title", {}, one.title), one.excerpt ? h("span.card-note", {}, one.excerpt) : null), icon("next")))))]
                : [h("p.help-none", { role: "status" }, wanted ? fill(boot.texts.helpNothing, { text: wanted }) : boot.texts.helpEmpty)]),
        );
    }

    search();
    return { search };
}

/** Fetch an article and show it. */
export async function read({ one, api, view, boot }) {
    extraStyles();
    const article = await api.article(one.id);
    view.showArticle(
        h("h2", {}, article.title),
        rich(article.body_html, BLOCKS),
        h("p.article-foot", {}, h("a", { href: article.url, target: "_blank", rel: "noopener" }, boot.texts.openHelp)),
    );
    view.focus();
}

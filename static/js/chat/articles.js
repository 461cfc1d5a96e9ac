// An article of the help centre for the visitor: found by its words, sent as a card.

import { debounce, request } from "../lib/dom.js";
import { closeDialog, openDialog } from "../lib/dialog.js";
import { uuid } from "../lib/socket.js";
import { h } from "./dom.js";

export function openArticles({ app }) {
    const dialog = document.getElementById("chat-articles");
    if (!dialog) return { open() {} };
    const input = dialog.querySelector("input");
    const list = dialog.querySelector("[data-results]");
    const status = dialog.querySelector("[role=status]");

    async function find() {
        try {
            const { results } = await request(`/chat/articles?q=${encodeURIComponent(input.value.trim())}`);
            status.textContent = results.length ? "" : app.words.noArticle;
            list.replaceChildren(...results.map(row));
        } catch {
            status.textContent = app.words.actionFailed;
        }
    }

    function row(article) {
        const give = () => {
            closeDialog(dialog);
            app.actions.send("article", { article: article.id, client_id: uuid() });
        };
        const quote = () => {
            closeDialog(dialog);
            app.composer?.insert(`${article.title}: ${article.url}`);
        };
        return h(
            "li.chat-article",
            {},
            h("span", {}, h("strong", {}, article.title), h("span.muted.small", {}, article.excerpt)),
            h("span.chat-article-actions", {}, h("button.button.button-small", { type: "button", onclick: quote }, app.words.insertLink), h("button.button.button-small", { type: "button", onclick: give }, app.words.sendCard)),
        );
    }

    input.oninput = debounce(find, 200);
    return {
        open() {
            openDialog(dialog);
            input.focus();
            find();
        },
    };
}

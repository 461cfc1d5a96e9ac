// Recovery codes: copied, kept as a file, or printed.

import { on } from "../lib/dom.js";

export function start(root) {
    const text = () =>
        [root.dataset.title, ...[...root.querySelectorAll("[data-codes] > li")].map((one) => one.textContent)].join("\n");

    async function copy(button) {
        try {
            await navigator.clipboard.writeText(text());
        } catch {
            getSelection().selectAllChildren(root.querySelector("[data-codes]"));
            return;
        }
        button.querySelector("span").textContent = button.dataset.done;
    }

    function download() {
        const link = document.createElement("a");
        link.href = URL.createObjectURL(new Blob([`${text()}\n`], { type: "text/plain" }));
        link.download = root.dataset.name;
        link.click();
        URL.revokeObjectURL(link.href);
    }

    const acts = { copy, download, print: () => window.print() };
    return on(root, "click", "[data-act]", (event, button) => acts[button.dataset.act](button));
}

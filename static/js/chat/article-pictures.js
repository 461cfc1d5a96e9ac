// Pictures for an article: by button, pasted, or dropped into the text. Every one is asked what is on it.

import { cookie } from "../lib/dom.js";
import { closeDialog, openDialog } from "../lib/dialog.js";

export function start(source) {
    const dialog = document.getElementById("picture");
    const tools = source.parentElement.querySelector(".article-tools");
    if (!dialog || !tools) return undefined;
    const form = dialog.querySelector("form");
    const input = dialog.querySelector("input[type=file]");
    const box = input.closest(".file");
    const preview = box.querySelector(".file-preview");
    const blank = preview.cloneNode(true);
    const shown = dialog.querySelector("img");
    const alt = dialog.querySelector("#picture-alt");
    const error = dialog.querySelector("[data-picture-error]");
    const done = dialog.querySelector("[type=submit]");
    const status = tools.querySelector("[data-picture-status]");
    const stopped = new AbortController();
    const heard = { signal: stopped.signal };
    let file = null;
    let place = 0;

    for (const part of tools.querySelectorAll("[data-add-picture], [data-picture-hint]")) part.hidden = false;

    function take(chosen) {
        file = chosen;
        if (shown.src) URL.revokeObjectURL(shown.src);
        shown.hidden = !file;
        if (file) shown.src = URL.createObjectURL(file);
        else shown.removeAttribute("src");
        error.textContent = "";
    }

    function ask(chosen) {
        place = source.selectionStart;
        form.reset();
        // The box shows the last choice until it hears of another one.
        input.dispatchEvent(new Event("change", { bubbles: true }));
        preview.replaceChildren(...blank.cloneNode(true).childNodes);
        take(chosen);
        // Pasted or dropped, it is here already.
        box.hidden = Boolean(chosen);
        openDialog(dialog);
        (chosen ? alt : input).focus();
    }

    async function put() {
        if (!file) {
            box.hidden = false;
            input.focus();
            return;
        }
        done.disabled = true;
        error.textContent = "";
        status.textContent = dialog.dataset.busy;
        try {
            const query = new URLSearchParams({ name: file.name || "picture", alt: alt.value.trim() });
            const response = await fetch(`${source.dataset.url}?${query}`, {
                method: "PUT",
                body: file,
                credentials: "same-origin",
                headers: { Accept: "application/json", "Content-Type": file.type || "application/octet-stream", "X-CSRFToken": cookie("csrftoken") },
            });
            const answer = await response.json();
            if (!response.ok) throw new Error(answer.detail || dialog.dataset.failed);
            insert(answer.markdown);
            closeDialog(dialog);
            status.textContent = dialog.dataset.done;
            source.focus();
        } catch (problem) {
            status.textContent = "";
            error.textContent = problem instanceof TypeError || problem instanceof SyntaxError ? dialog.dataset.failed : problem.message;
        } finally {
            done.disabled = false;
        }
    }

    function insert(words) {
        const before = source.value.slice(0, place);
        const gap = !before || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
        source.setRangeText(`${gap}${words}\n\n`, place, place, "end");
        // The preview and the guard of unsaved changes hear what a script types only when it is said.
        source.dispatchEvent(new Event("input", { bubbles: true }));
    }

    const pictures = (transfer) => [...(transfer?.files || [])].filter((one) => one.type.startsWith("image/"));

    tools.querySelector("[data-add-picture]").addEventListener("click", () => ask(null), heard);
    input.addEventListener("change", () => take(input.files[0] || null), heard);
    form.addEventListener(
        "submit",
        (event) => {
            event.preventDefault();
            put();
        },
        heard,
    );
    source.addEventListener(
        "paste",
        (event) => {
            const [found] = pictures(event.clipboardData);
            if (!found) return;
            event.preventDefault();
            ask(found);
        },
        heard,
    );
    source.addEventListener(
        "dragover",
        (event) => {
            if (![...(event.dataTransfer?.items || [])].some((one) => one.kind === "file")) return;
            event.preventDefault();
            source.dataset.over = "";
        },
        heard,
    );
    source.addEventListener("dragleave", () => delete source.dataset.over, heard);
    source.addEventListener(
        "drop",
        (event) => {
            delete source.dataset.over;
            const [found] = pictures(event.dataTransfer);
            if (!found) return;
            event.preventDefault();
            ask(found);
        },
        heard,
    );
    return () => stopped.abort();
}

// The builder of rules and macros without leaving the page: choosing something asks the server for what fits it.
// Without this module the buttons of the form do the same by loading the page.

export function start(root) {
    const plain = root.querySelectorAll("[data-without-script]");
    for (const button of plain) button.hidden = true;
    const begun = new AbortController();

    // One question after the other: an answer that overtakes another would bring an older form back.
    let turn = Promise.resolve();
    let waiting = 0;

    function ask(wish, focus) {
        waiting += 1;
        root.setAttribute("aria-busy", "true");
        turn = turn.then(() => question(wish, focus)).finally(() => {
            waiting -= 1;
            if (!waiting) root.removeAttribute("aria-busy");
        });
    }

    /** What was written while the server thought is newer than its answer. */
    function keep(sent) {
        const fields = [...root.elements].filter((field) => field.name && field.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=hidden])"));
        const written = fields.filter((field) => sent.has(field.name) && sent.get(field.name) !== field.value).map((field) => [field.name, field.value]);
        return () => {
            for (const [name, value] of written) {
                const field = root.elements[name];
                if (field?.matches?.("textarea, input") || [...(field?.options ?? [])].some((option) => option.value === value)) field.value = value;
            }
        };
    }

    async function question(wish, focus) {
        const sent = new FormData(root);
        const place = focus();
        sent.set("do", wish);
        let page;
        try {
            const answer = await fetch(location.href, { method: "POST", body: sent, headers: { "X-Requested-With": "fetch" } });
            if (answer.redirected) return location.assign(answer.url);
            page = new DOMParser().parseFromString(await answer.text(), "text/html");
        } catch {
            return submit(wish);
        }
        const fresh = page.getElementById(root.id);
        if (!fresh) return submit(wish);
        // Rows keep their numbers unless one was taken away.
        const restore = wish === "refresh" || wish.endsWith("-add") ? keep(sent) : () => {};
        root.replaceChildren(...fresh.childNodes);
        restore();
        for (const button of root.querySelectorAll("[data-without-script]")) button.hidden = true;
        const next = place && root.querySelector(place);
        (next || root.querySelector("[aria-invalid], .flow-row-wrong select, [role=status]") || document.body).focus?.();
    }

    function submit(wish) {
        const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: wish });
        root.append(hidden);
        root.submit();
    }

    root.addEventListener("change", (event) => {
        if (event.target.matches("[data-refresh]")) ask("refresh", () => `[name="${event.target.name}"]`);
    }, { signal: begun.signal });

    root.addEventListener("submit", (event) => {
        const wish = event.submitter?.value || "save";
        if (wish === "save" || wish === "try") return;
        event.preventDefault();
        const list = wish[0];
        const rows = () => root.querySelectorAll(`[name^="${list}-"][name$="-what"]`).length;
        ask(wish, () => (wish.endsWith("-add") ? `[name="${list}-${rows()}-what"]` : `[value="${list}-add"]`));
    }, { signal: begun.signal });

    return () => begun.abort();
}

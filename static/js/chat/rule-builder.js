// The builder of rules and macros without leaving the page: choosing something asks the server for what fits it.
// Without this module the buttons of the form do the same by loading the page.

export function start(root) {
    const plain = root.querySelectorAll("[data-without-script]");
    for (const button of plain) button.hidden = true;
    const begun = new AbortController();

    async function ask(wish, focus) {
        const sent = new FormData(root);
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
        root.replaceChildren(...fresh.childNodes);
        for (const button of root.querySelectorAll("[data-without-script]")) button.hidden = true;
        const next = focus && root.querySelector(focus);
        (next || root.querySelector("[aria-invalid], .flow-row-wrong select, [role=status]") || document.body).focus?.();
    }

    function submit(wish) {
        const hidden = Object.assign(document.createElement("input"), { type: "hidden", name: "do", value: wish });
        root.append(hidden);
        root.submit();
    }

    root.addEventListener("change", (event) => {
        if (event.target.matches("[data-refresh]")) ask("refresh", `[name="${event.target.name}"]`);
    }, { signal: begun.signal });

    root.addEventListener("submit", (event) => {
        const wish = event.submitter?.value || "save";
        if (wish === "save" || wish === "try") return;
        event.preventDefault();
        const list = wish[0];
        const rows = root.querySelectorAll(`[name^="${list}-"][name$="-what"]`).length;
        ask(wish, wish.endsWith("-add") ? `[name="${list}-${rows}-what"]` : `[value="${list}-add"]`);
    }, { signal: begun.signal });

    return () => begun.abort();
}

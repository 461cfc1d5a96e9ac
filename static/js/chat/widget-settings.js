// The settings of the website chat: the preview shows what is chosen before it is saved, and questions come and go.

const FEATURES = ["attachments", "voice", "emoji", "preview"];

export function start(root) {
    const frame = root.querySelector("[data-preview]");
    const form = root.querySelector("[data-widget-form]");
    const list = root.querySelector("[data-questions]");
    const blank = root.querySelector("[data-blank]");
    const add = root.querySelector("[data-add]");
    const launcher = root.querySelector("[data-launcher]");
    const total = form.elements["questions-TOTAL_FORMS"];
    const most = Number(form.elements["questions-MAX_NUM_FORMS"].value);
    let shown = "thread";
    let dark = false;

    // --- Questions ---

    const rows = () => [...list.querySelectorAll("[data-question]")];
    const field = (row, name) => row.querySelector(`[name$="-${name}"]`);

    function dress(row) {
        row.querySelector("[data-remove]").hidden = false;
        row.querySelector("[data-options]").hidden = field(row, "type").value !== "choice";
    }

    /** Rows are counted by the server in the order of their numbers. */
    function renumber() {
        rows().forEach((row, at) => {
            for (const node of row.querySelectorAll("[name], [id], [for], [aria-describedby]")) {
                for (const name of ["name", "id", "for", "aria-describedby"]) {
                    if (node.hasAttribute(name)) node.setAttribute(name, node.getAttribute(name).replace(/questions-(?:\d+|__prefix__)-/g, `questions-${at}-`));
                }
            }
        });
        total.value = rows().length;
        add.hidden = rows().length >= most;
    }

    add.addEventListener("click", () => {
        list.append(blank.content.cloneNode(true));
        renumber();
        dress(rows().at(-1));
        field(rows().at(-1), "label").focus();
    });
    list.addEventListener("click", ({ target }) => {
        const button = target.closest("[data-remove]");
        if (!button) return;
        button.closest("[data-question]").remove();
        renumber();
        (add.hidden ? list : add).focus();
        form.dispatchEvent(new Event("input", { bubbles: true }));
    });
    list.addEventListener("change", ({ target }) => dress(target.closest("[data-question]")));
    // With the script there is a button for one more; empty rows need not wait on the page.
    for (const row of rows()) if (!field(row, "label").value && !row.querySelector(".errorlist")) row.remove();
    rows().forEach(dress);
    renumber();

    // --- Preview ---

    function questions() {
        return rows()
            .map((row) => ({ name: field(row, "label").value, label: field(row, "label").value, type: field(row, "type").value, required: field(row, "required").checked, options: field(row, "options").value.split("\n").map((one) => one.trim()).filter(Boolean) }))
            .filter((question) => question.label);
    }

    function show() {
        const given = new FormData(form);
        const consent = given.get("consent_text").trim();
        const words = {
            greeting: given.get("greeting"),
            replyTime: given.get("reply_time"),
            offlineText: given.get("offline_text"),
            preChat: questions(),
            consent: consent ? { version: 0, text: consent } : null,
            features: Object.fromEntries(FEATURES.map((name) => [name, given.has(`feature_${name}`)])),
        };
        const theme = given.get("theme");
        frame.contentWindow.postMessage({ type: "preview", words, show: shown, look: { theme: dark ? "dark" : theme === "auto" ? "light" : theme, team: given.has("team") } }, location.origin);
        launcher.dataset.side = given.get("position");
        launcher.querySelector("[data-launcher-label]").textContent = given.get("label");
    }

    for (const button of root.querySelectorAll("[data-show]")) {
        button.addEventListener("click", () => {
            shown = button.dataset.show;
            for (const one of root.querySelectorAll("[data-show]")) one.setAttribute("aria-pressed", String(one === button));
            show();
        });
    }
    root.querySelector("[data-dark]").addEventListener("click", ({ currentTarget }) => {
        dark = !dark;
        currentTarget.setAttribute("aria-pressed", String(dark));
        show();
    });
    form.addEventListener("input", show);
    frame.addEventListener("load", show);
    show();
}

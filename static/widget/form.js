// Small forms inside the conversation: what is asked before it begins, and an address for the answer.

import { h } from "../js/chat/dom.js";
import { linked } from "../js/chat/format.js";

const KINDS = { email: { type: "email", autocomplete: "email", inputmode: "email" }, phone: { type: "tel", autocomplete: "tel", inputmode: "tel" }, name: { type: "text", autocomplete: "name" }, text: { type: "text", autocomplete: "off" } };

/**
 * fields    [{name, label, type, required, options}]; type is text, email, phone, choice or long
 * consent   {text, version} or null
 * submit    (values, consentVersion) => void
 */
export function createForm({ text, title, hint, fields, consent, known = {}, submit, button }) {
    const rows = fields.map((field) => {
        const id = `ask-${field.name}`;
        const shared = { id, name: field.name, required: field.required || null, maxlength: "500", "aria-describedby": `${id}-wrong` };
        let input;
        if (field.type === "choice") {
            input = h("select.input", shared, h("option", { value: "" }, text.choose), (field.options ?? []).map((one) => h("option", { value: one }, one)));
        } else if (field.type === "long") {
            input = h("textarea.input", { ...shared, rows: "3", maxlength: "2000" });
        } else {
            input = h("input.input", { ...shared, ...(KINDS[field.type] ?? KINDS[field.name] ?? KINDS.text), value: known[field.name] || null });
        }
        const wrong = h("p.wrong", { id: `${id}-wrong`, hidden: true });
        return { field, input, wrong, node: h("div.asked", {}, h("label", { for: id }, field.label, field.required ? null : h("span.optional", {}, ` ${text.optional}`)), input, wrong) };
    });
    const agreed = consent ? h("input", { type: "checkbox", id: "ask-consent", required: true, "aria-describedby": "ask-consent-wrong" }) : null;
    const refused = h("p.wrong", { id: "ask-consent-wrong", hidden: true });

    function say(node, input, words) {
        node.textContent = words;
        node.hidden = !words;
        input.toggleAttribute("aria-invalid", Boolean(words));
    }

    function problem({ field, input }) {
        if (input.validity.valueMissing || (field.required && !input.value.trim())) return text.missing;
        if (input.validity.typeMismatch) return text.notAnAddress;
        return "";
    }

    function onSubmit(event) {
        event.preventDefault();
        let first = null;
        for (const row of rows) {
            const words = problem(row);
            say(row.wrong, row.input, words);
            if (words) first ??= row.input;
        }
        if (agreed) {
            say(refused, agreed, agreed.checked ? "" : text.consentMissing);
            if (!agreed.checked) first ??= agreed;
        }
        if (first) return first.focus();
        submit(Object.fromEntries(rows.map(({ field, input }) => [field.name, input.value.trim()]).filter(([, value]) => value)), consent?.version ?? "");
    }

    /** What was missing and is there now is not complained about any longer. */
    function onInput({ target }) {
        const row = rows.find(({ input }) => input === target);
        if (row && !row.wrong.hidden && !problem(row)) say(row.wrong, row.input, "");
        if (target === agreed && agreed.checked) say(refused, agreed, "");
    }

    const node = h(
        "form.ask",
        { novalidate: true, onsubmit: onSubmit, oninput: onInput },
        title ? h("p.ask-title", {}, title) : null,
        hint ? h("p.ask-hint", {}, hint) : null,
        rows.map((row) => row.node),
        agreed ? h("div.asked", {}, h("label.consent", {}, agreed, h("span", {}, linked(consent.text))), refused) : null,
        h("button.start", { type: "submit" }, button),
    );
    return {
        node,
        focus: () => (rows.find(({ input }) => !input.value)?.input ?? agreed ?? node.querySelector("button")).focus(),
        /** The server's words about fields it refused. */
        refuse(problems) {
            for (const row of rows) if (problems[row.field.name]) say(row.wrong, row.input, problems[row.field.name]);
        },
    };
}

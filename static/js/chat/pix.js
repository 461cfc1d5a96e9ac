// A Pix charge in the conversation: an amount, a line of text, and the card is on its way; later it is paid or cancelled.

import { on, request } from "../lib/dom.js";
import { openDialog } from "../lib/dialog.js";
import { toast } from "../lib/toast.js";
import { uuid } from "../lib/socket.js";

export function openPix({ app, article }) {
    const dialog = document.getElementById("chat-pix");
    const form = dialog?.querySelector("form");
    if (!form) return { open() {} };
    const problem = form.querySelector("[role=alert]");
    let id = uuid();

    /** `1.234,56` and `1,234.56` both mean the same; the last mark with two digits behind it parts the cents. */
    function amount(text) {
        const cents = /[.,](\d{2})$/.exec(text.trim());
        const whole = text.trim().replace(/[.,]\d{2}$/, "").replace(/\D/g, "");
        return whole || cents ? `${whole || 0}.${cents?.[1] ?? "00"}` : "";
    }

    function clear() {
        problem.hidden = true;
        for (const input of form.querySelectorAll("[aria-invalid]")) {
            input.removeAttribute("aria-invalid");
            input.removeAttribute("aria-describedby");
        }
    }

    form.onsubmit = async (event) => {
        event.preventDefault();
        clear();
        try {
            const body = { conversation: article.dataset.conversation, amount: amount(form.elements.amount.value), text: form.elements.text.value.trim(), client_id: id };
            await request("/api/v1/chat/pix/", { method: "POST", body });
            dialog.close();
        } catch (error) {
            const [first] = error.problem?.errors ?? [];
            const input = form.elements[first?.field];
            problem.textContent = first?.detail || error.problem?.detail || app.words.actionFailed;
            (input?.closest(".field") ?? form.querySelector(".dialog-body")).append(problem);
            problem.hidden = false;
            input?.setAttribute("aria-invalid", "true");
            input?.setAttribute("aria-describedby", problem.id);
            input?.focus();
        }
    };
    return {
        open() {
            id = uuid();
            form.reset();
            clear();
            openDialog(dialog);
            form.elements.amount.focus();
        },
    };
}

/** Settling an open charge from its card, after one more question: it is final. */
export function openSettling({ app }) {
    const { main, words } = app;

    function ask(button) {
        const dialog = document.getElementById(`chat-pix-${button.dataset.pixSettle}`);
        dialog.querySelector("[data-pix-amount]").textContent = button.closest(".chat-message-card").querySelector(".chat-amount").textContent;
        dialog.returnValue = "";
        dialog.onclose = () => dialog.returnValue === "yes" && settle(button);
        openDialog(dialog);
    }

    async function settle(button) {
        const { txid, pixSettle: verb } = button.dataset;
        const seq = Number(button.closest("[data-line]").dataset.seq);
        button.setAttribute("aria-busy", "true");
        try {
            await request(`/api/v1/chat/pix/${txid}/${verb}/`, { method: "POST", body: {} });
        } catch (error) {
            toast(error.problem?.detail || words.actionFailed, { tone: "error" });
        } finally {
            button.removeAttribute("aria-busy");
        }
        // Its event draws the card as well; somebody may have been quicker, or the line may be down.
        app.thread?.redraw(seq);
    }

    return { close: on(main, "click", "[data-pix-settle]", (event, button) => ask(button)) };
}

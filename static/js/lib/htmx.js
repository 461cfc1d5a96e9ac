// What htmx leaves to the page: words for failures, and the login when the session has ended.

import { toast } from "./toast.js";

const words = () => document.getElementById("toasts").dataset;

function reason(xhr) {
    if (!(xhr.getResponseHeader("Content-Type") || "").includes("json")) return "";
    try {
        return JSON.parse(xhr.responseText).detail || "";
    } catch {
        return "";
    }
}

document.addEventListener("htmx:responseError", (event) => toast(reason(event.detail.xhr) || words().failed, { tone: "error" }));
document.addEventListener("htmx:sendError", () => toast(words().offline, { tone: "error" }));
document.addEventListener("htmx:timeout", () => toast(words().offline, { tone: "error" }));

// A redirect to the login answers with a whole page; swapped into a fragment it would be a page in a page.
document.addEventListener("htmx:beforeSwap", (event) => {
    const answered = new URL(event.detail.xhr.responseURL || location.href);
    if (answered.pathname !== "/login/" || location.pathname === "/login/") return;
    event.detail.shouldSwap = false;
    location.assign(`/login/?next=${encodeURIComponent(location.pathname + location.search)}`);
});

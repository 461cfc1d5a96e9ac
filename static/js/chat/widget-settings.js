// The settings of the website chat: the preview shows what is typed before it is saved.

export function start(root) {
    const frame = root.querySelector("[data-preview]");
    const form = root.querySelector("[data-widget-form]");

    function show() {
        const given = new FormData(form);
        const words = { greeting: given.get("greeting"), replyTime: given.get("reply_time"), offlineText: given.get("offline_text") };
        frame.contentWindow.postMessage({ type: "preview", words }, location.origin);
    }

    form.addEventListener("input", show);
    frame.addEventListener("load", show);
    show();
}

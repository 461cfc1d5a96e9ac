// The sample shop: buttons that give the chat its commands, and a list of what it tells the page.

const EVENTS = ["ready", "open", "close", "message:sent", "message:received", "unread", "agent:joined", "conversation:started", "conversation:ended", "csat", "invite", "offline", "online", "error"];
const SHOWN = 8;

const chat = () => (window.chatWidget ||= []);
const panel = document.querySelector("[data-try]");
const list = panel.querySelector("[data-events]");
let heard = 0;

for (const name of EVENTS) {
    chat().push(["on", name, (detail) => {
        if (!heard++) list.replaceChildren();
        const line = document.createElement("li");
        const code = document.createElement("code");
        code.textContent = name;
        line.append(code, ` ${detail ? JSON.stringify(detail) : ""}`);
        list.prepend(line);
        while (list.children.length > SHOWN) list.lastElementChild.remove();
    }]);
}
panel.addEventListener("click", ({ target }) => {
    const button = target.closest("[data-command]");
    if (!button) return;
    const command = JSON.parse(button.dataset.command);
    chat().push(command);
    if (command[0] === "send") chat().push(["open"]);
    // After a log-out the shop greets the next visitor.
    if (command[0] === "shutdown") setTimeout(() => chat().push(["boot"]), 1500);
});
panel.hidden = false;

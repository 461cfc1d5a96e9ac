// The connection pill. Whoever owns the socket says how it is:
//     connection("online" | "connecting" | "offline", { queued: 2 })

const pills = () => document.querySelectorAll("[data-connection]");
let lastState = "idle";

export function connection(state, { queued = 0 } = {}) {
    lastState = state;
    for (const pill of pills()) {
        pill.hidden = state === "idle";
        pill.dataset.state = state;
        const words = pill.dataset[state] || "";
        pill.textContent = queued ? `${words} · ${pill.dataset.queued.replace("%n", queued)}` : words;
    }
}

// Pages without a socket still say when the network is gone.
addEventListener("offline", () => connection("offline"));
addEventListener("online", () => {
    if (lastState === "offline") connection("idle");
});

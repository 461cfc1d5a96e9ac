// What was said before: older pages of the thread, and the way to a message that another one answers.

const MOST_PAGES = 60;
const SHOWN_MS = 1_600;

export function openHistory({ log, view, find, older, load: fetchOlder }) {
    let loading = null;

    function load() {
        if (!older()) return null;
        loading ??= fetchOlder()
            // The button above the lines stays, and the next scroll tries again.
            .catch(() => null)
            .finally(() => (loading = null));
        return loading;
    }

    /** Show a message, wherever it is, and put the focus on it. */
    async function goTo(id) {
        for (let page = 0; page < MOST_PAGES; page += 1) {
            const line = find(id);
            if (line) {
                view.toNode(line.node);
                line.node.classList.add("chat-found");
                setTimeout(() => line.node.classList.remove("chat-found"), SHOWN_MS);
                line.node.focus({ preventScroll: true });
                return;
            }
            if (!older()) return;
            await load();
        }
    }

    const onClick = (event) => {
        const quote = event.target.closest("[data-quoted]");
        if (!quote && !event.target.closest("[data-older]")) return;
        event.preventDefault();
        if (quote) goTo(quote.dataset.quoted);
        else load();
    };
    log.addEventListener("click", onClick);
    return { load, goTo, close: () => log.removeEventListener("click", onClick) };
}

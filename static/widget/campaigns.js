// Invitations of the website. The server says which ones a page gets and whether this visitor may see one; here is
// decided when: after its seconds on the page, while somebody looks and nobody is busy in the chat. One a page.

import { uuid } from "../js/lib/socket.js";

const VISIT = "campaigns:visit";

export function openCampaigns({ api, storage, tell, busy, accepted }) {
    let timer = 0;
    let round = 0;
    const shown = new Map();

    /** A random name of this browser for counting, never the one that opens conversations. Whether it was here before. */
    function me() {
        let known = {};
        try {
            known = JSON.parse(storage.get("campaigns") ?? "{}");
        } catch {
            // Somebody else's words under our name: begin anew.
        }
        let visiting = false;
        try {
            visiting = sessionStorage.getItem(VISIT) !== null;
            sessionStorage.setItem(VISIT, "1");
        } catch {
            visiting = Boolean(known.key);
        }
        const next = { key: known.key ?? uuid(), visits: (known.visits ?? 0) + (visiting && known.key ? 0 : 1) };
        storage.set("campaigns", JSON.stringify(next));
        return next;
    }

    const { key, visits } = me();

    function looking() {
        if (document.visibilityState === "visible") return Promise.resolve();
        return new Promise((resolve) => document.addEventListener("visibilitychange", resolve, { once: true }));
    }

    function sleep(seconds) {
        return new Promise((resolve) => {
            clearTimeout(timer);
            timer = setTimeout(resolve, seconds * 1000);
        });
    }

    /** A page is looked at: ask once, then wait for the moment of each until one was shown or another page came. */
    async function visit(url) {
        const mine = ++round;
        clearTimeout(timer);
        const began = Date.now();
        let attributes = {};
        try {
            attributes = JSON.parse(storage.get("attributes") ?? "{}");
        } catch {
            // As above.
        }
        const answer = await api.tell("campaigns/", { key, url: url.slice(0, 500), returning: visits > 1, attributes });
        for (const one of answer.campaigns.sort((a, b) => a.after_s - b.after_s)) {
            await sleep(Math.max(0, one.after_s - (Date.now() - began) / 1000));
            await looking();
            if (mine !== round) return;
            if (busy()) return;
            const { show } = await api.tell(`campaigns/${one.id}/`, { key, event: "shown" });
            if (mine !== round && !show) return;
            if (!show) continue;
            shown.set(one.id, one);
            tell("teaser", { name: one.from, text: one.text, campaign: one.id });
            return;
        }
    }

    return {
        visit: (url) => visit(url).catch(() => {}),
        /** The card was clicked, or put away. */
        heard(id, event) {
            const one = shown.get(id);
            if (!one || (event !== "opened" && event !== "dismissed")) return;
            if (event === "opened") accepted({ id, key, name: one.from, text: one.text });
            api.tell(`campaigns/${id}/`, { key, event }).catch(() => {});
        },
    };
}

// Waits for a preparation: moves the steps along, and opens the finished page when it is done.

import { request } from "../lib/dom.js";

const EVERY_MS = 1000;

export function start(root) {
    const steps = [...root.querySelectorAll(".steps > li")];
    const wasFailed = steps.some((step) => step.dataset.state === "failed");
    let timer;

    async function look() {
        try {
            const state = await request(root.dataset.url);
            if (state.ready || state.failed !== wasFailed) return location.reload();
            state.steps.forEach((name, number) => {
                steps[number].dataset.state = name;
                if (name === "current") steps[number].setAttribute("aria-current", "step");
                else steps[number].removeAttribute("aria-current");
            });
        } catch {
            // The next look may find the server again.
        }
        timer = setTimeout(look, EVERY_MS);
    }

    timer = setTimeout(look, EVERY_MS);
    return () => clearTimeout(timer);
}

// The time a visit of support has left; at its end the page is asked for again, and the server says that it is over.

import { duration } from "../lib/time.js";

export function start(root) {
    const until = new Date(root.dataset.until).getTime();
    const shown = root.querySelector("[data-left]");
    let timer;

    function tick() {
        const left = (until - Date.now()) / 1000;
        if (left <= 0) return location.reload();
        shown.textContent = duration(left);
        root.classList.toggle("is-ending", left < 120);
        timer = setTimeout(tick, 1000);
    }

    tick();
    return () => clearTimeout(timer);
}

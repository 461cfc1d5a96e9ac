// A long thread in a short page: only what can be seen, and a little around it, is in the document.
//
// Every line keeps its node; what is out of sight stands in memory and two spacers take its room. How many elements
// the log may hold is fixed (`budget`), so that a thread of two thousand messages scrolls like one of twenty.

import { arrange } from "./dom.js";

const AROUND_PX = 600;
const NEAR_END_PX = 96;
const GUESS_PX = 48;

export function openWindow(log, { budget = 200, moved }) {
    const above = spacer();
    const below = spacer();
    let heights = new WeakMap();
    const costs = new WeakMap();
    let nodes = [];
    let range = [0, 0];
    let stuck = true;
    let width = log.clientWidth;
    let known = 0;
    let knownCount = 0;

    function spacer() {
        const node = document.createElement("div");
        node.className = "chat-spacer";
        node.setAttribute("aria-hidden", "true");
        return node;
    }

    const guess = () => (knownCount ? known / knownCount : GUESS_PX);
    const heightOf = (node) => heights.get(node) ?? guess();

    function costOf(node) {
        if (!node.isConnected) return costs.get(node) ?? 1 + node.getElementsByTagName("*").length;
        const cost = 1 + node.getElementsByTagName("*").length;
        costs.set(node, cost);
        return cost;
    }

    function measure() {
        for (let at = range[0]; at < range[1]; at += 1) {
            const node = nodes[at];
            const height = node.offsetHeight;
            if (!height) continue;
            if (!heights.has(node)) {
                known += height;
                knownCount += 1;
            }
            heights.set(node, height);
        }
    }

    const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < NEAR_END_PX;

    /** Which lines fill the view, widened to both sides as far as the budget allows. */
    function wanted(edge) {
        const view = log.clientHeight;
        if (!view) return [Math.max(0, nodes.length - 30), nodes.length];
        let from = nodes.length;
        let to = nodes.length;
        if (stuck) {
            let filled = 0;
            while (from > 0 && filled < view) filled += heightOf(nodes[(from -= 1)]);
        } else {
            let top = 0;
            from = 0;
            while (from < nodes.length - 1 && top + heightOf(nodes[from]) < edge) top += heightOf(nodes[(from += 1) - 1]);
            to = from;
            while (to < nodes.length && top < edge + view) top += heightOf(nodes[(to += 1) - 1]);
        }
        let spent = 2;
        for (let at = from; at < to; at += 1) spent += costOf(nodes[at]);
        let up = 0;
        let down = 0;
        for (let open = true; open; ) {
            open = false;
            if (from > 0 && up < AROUND_PX && spent + costOf(nodes[from - 1]) <= budget) {
                from -= 1;
                spent += costOf(nodes[from]);
                up += heightOf(nodes[from]);
                open = true;
            }
            if (to < nodes.length && down < AROUND_PX && spent + costOf(nodes[to]) <= budget) {
                spent += costOf(nodes[to]);
                down += heightOf(nodes[to]);
                to += 1;
                open = true;
            }
        }
        return [from, to];
    }

    /** The first line in view and how far below the upper edge it stands; it must not move while others come and go. */
    function anchor() {
        const edge = log.getBoundingClientRect().top;
        for (let at = range[0]; at < range[1]; at += 1) {
            const node = nodes[at];
            // Day marks and the button above are made anew; lines stay.
            if (node?.parentNode !== log || !("key" in node.dataset)) continue;
            const box = node.getBoundingClientRect();
            if (box.bottom > edge) return { node, offset: box.top - edge };
        }
        return null;
    }

    /** Where the upper edge of the view stands among the lines; a line that must not move says it after a change. */
    function edgeOf(held) {
        const at = held ? nodes.indexOf(held.node) : -1;
        if (at < 0) return log.scrollTop - above.offsetTop;
        let top = 0;
        for (let before = 0; before < at; before += 1) top += heightOf(nodes[before]);
        return top - held.offset;
    }

    function put([from, to]) {
        range = [from, to];
        let before = 0;
        let after = 0;
        for (let at = 0; at < from; at += 1) before += heightOf(nodes[at]);
        for (let at = to; at < nodes.length; at += 1) after += heightOf(nodes[at]);
        above.style.blockSize = `${before}px`;
        below.style.blockSize = `${after}px`;
        arrange(log, [above, ...nodes.slice(from, to), below]);
    }

    function hold(held) {
        if (stuck) log.scrollTop = log.scrollHeight;
        else if (held?.node.parentNode === log) {
            const offset = held.node.getBoundingClientRect().top - log.getBoundingClientRect().top;
            if (Math.abs(offset - held.offset) > 0.5) log.scrollTop += offset - held.offset;
        }
    }

    function draw(held = anchor()) {
        // Heights that were guessed become known by drawing, and may widen or narrow what is wanted: twice is enough.
        for (let turn = 0; turn < 3; turn += 1) {
            const next = wanted(edgeOf(held));
            const same = turn > 0 && next[0] === range[0] && next[1] === range[1];
            if (same) break;
            put(next);
            measure();
            put(range);
            hold(held);
        }
    }

    let frame = 0;
    function onScroll() {
        stuck = atEnd();
        moved?.({ atEnd: stuck, nearTop: log.scrollTop < AROUND_PX });
        cancelAnimationFrame(frame);
        frame = requestAnimationFrame(() => {
            const [from, to] = wanted(edgeOf(null));
            if (from !== range[0] || to !== range[1]) draw();
        });
    }

    // A narrower pane, a phone's keyboard, a longer draft: who was at the end stays there.
    const observer = new ResizeObserver(() => {
        if (log.clientWidth !== width) {
            width = log.clientWidth;
            heights = new WeakMap();
        }
        draw();
    });

    log.addEventListener("scroll", onScroll, { passive: true });
    observer.observe(log);

    return {
        get atEnd() {
            return atEnd();
        },
        /** These nodes, in this order; what the reader looks at stays where it is. */
        show(next) {
            const held = anchor();
            nodes = next;
            range = [Math.min(range[0], nodes.length), Math.min(range[1], nodes.length)];
            draw(held);
        },
        /** A line became higher or lower. */
        touched(node) {
            heights.delete(node);
            draw();
        },
        toEnd({ smooth = false } = {}) {
            stuck = true;
            draw();
            const calm = !smooth || matchMedia("(prefers-reduced-motion: reduce)").matches;
            log.scrollTo({ top: log.scrollHeight, behavior: calm ? "instant" : "smooth" });
        },
        /** Bring a line into the middle of the view. */
        toNode(node) {
            const at = nodes.indexOf(node);
            if (at < 0) return false;
            stuck = false;
            let top = above.offsetTop;
            for (let before = 0; before < at; before += 1) top += heightOf(nodes[before]);
            log.scrollTop = top - log.clientHeight / 2;
            draw(null);
            node.scrollIntoView({ block: "center" });
            stuck = atEnd();
            draw();
            return true;
        },
        neighbour: (node, step) => nodes[nodes.indexOf(node) + step] ?? null,
        close() {
            cancelAnimationFrame(frame);
            observer.disconnect();
            log.removeEventListener("scroll", onScroll);
        },
    };
}

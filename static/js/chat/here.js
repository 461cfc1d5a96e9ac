// Who is here: the visitor on the website, and colleagues who look at the same thread.

import { h } from "./dom.js";
import { fill, initials } from "./format.js";

/** The green dot of a face. */
export function presence(avatar, online) {
    const dot = avatar?.querySelector(".dot");
    if (online && avatar && !dot) avatar.append(h("span.dot.dot-green"));
    else if (!online) dot?.remove();
}

/** Small faces of up to three people. */
export function faces(users, words) {
    return users.slice(0, 3).map((user) => {
        const said = fill(words.alsoHere, { names: user.name });
        return h("span.avatar.avatar-small", { role: "img", "aria-label": said, "data-tip": said }, user.avatar ? h("img", { src: user.avatar, alt: "" }) : initials(user.name));
    });
}

/** Pages the panel shows of the way a visitor came. */
const TRAIL = 5;

export function openHere({ article, words, stale }) {
    const panel = () => article.parentElement?.querySelector("[data-context]");

    /** The page that was left goes to the head of those before it. */
    function follow(left) {
        const trail = panel()?.querySelector("[data-trail]");
        const list = trail?.querySelector("ol");
        if (!list) return;
        for (const one of list.querySelectorAll("a")) if (one.href === left.href) one.parentElement.remove();
        list.prepend(h("li", {}, left));
        while (list.children.length > TRAIL) list.lastElementChild.remove();
        trail.hidden = false;
    }

    return {
        viewers(users) {
            article.querySelector("[data-viewers]")?.replaceChildren(...faces(users, words));
        },
        visitor({ contact, online, page }) {
            if (contact !== article.dataset.contact) return;
            presence(article.querySelector(".chat-head > .avatar"), online);
            const line = panel()?.querySelector("[data-presence]");
            if (line && online) line.replaceChildren(h("span.dot.dot-green"), ` ${line.dataset.here}`);
            else if (line && !online) stale();
            const where = panel()?.querySelector("[data-page]");
            if (where && page?.url && /^https?:/i.test(page.url)) {
                const link = h("a", { href: page.url, target: "_blank", rel: "noopener noreferrer nofollow" }, page.title || page.url);
                const left = where.querySelector("a");
                if (left && left.href !== link.href) follow(left);
                where.replaceChildren(link);
            }
        },
    };
}

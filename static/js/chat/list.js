// The list of conversations: known rows change at once, what may enter, leave or move is drawn again by the server.

import { debounce, on } from "../lib/dom.js";
import { openFilters } from "./filters.js";
import { age, inWords, plural } from "./format.js";
import { faces, presence } from "./here.js";
import { openSelection } from "./selection.js";

const locale = document.documentElement.lang || "pt-br";
const REFRESH_MS = 350;
const AT_MOST_EVERY_MS = 1_500;

export function openList({ app, current }) {
    const { root, words } = app;
    const list = root.querySelector("[data-list]");
    const rows = () => list.querySelector("[data-chat-rows]");
    const failed = list.querySelector("[data-list-error]");
    const heads = new Map();
    const selection = openSelection({ app, list });
    const filters = openFilters({ app, list, go: (href) => go(href, opened(), { replace: true }) });
    let marked = current();
    let query = new URL(rows().dataset.url, location.href).search;
    let timer = 0;
    let refreshedAt = 0;
    let fetching = null;
    let overtaken = false;

    function find(conversation) {
        return list.querySelector(`[data-row][data-conversation="${CSS.escape(conversation)}"]`);
    }

    function piece(row, name) {
        return row.querySelector(`[data-part="${name}"]`);
    }

    function count(row, number) {
        delete row.dataset.drawn;
        row.dataset.unread = number;
        row.toggleAttribute("data-is-unread", number > 0);
        const badge = piece(row, "count");
        badge.hidden = !number;
        piece(row, "number").textContent = number;
        badge.lastElementChild.textContent = plural(words.unread, number, locale);
    }

    /** Something happened in a conversation, in the list or not. */
    function apply({ conversation, seq, event, data }) {
        if (seq <= (heads.get(conversation) ?? 0)) return;
        heads.set(conversation, seq);
        // The answer on its way may have been written before this happened, and would paint it over.
        overtaken ||= Boolean(fetching);
        const row = find(conversation);
        if (event === "message.created" && row && !data.private && data.direction !== "activity") {
            const mine = data.direction === "out";
            delete row.dataset.drawn;
            const said = inWords(data, words);
            piece(row, "preview").textContent = said;
            piece(row, "answered").hidden = data.direction === "in";
            const time = row.querySelector("time");
            time.dateTime = data.created_at;
            time.textContent = age(data.created_at, locale, words);
            const watching = conversation === current() && document.visibilityState === "visible";
            count(row, mine || watching ? 0 : Number(row.dataset.unread) + 1);
            if (!ordersByWaiting()) rows().prepend(row);
        } else if (event === "message.delivery" && row && data.by === "agent" && data.mark === "read") {
            count(row, 0);
        }
        const moves = event.startsWith("conversation.") || (event === "message.created" && !row) || (event === "message.created" && ordersByWaiting()) || event === "message.updated" || event === "message.deleted";
        if (moves) soon();
    }

    function ordersByWaiting() {
        return new URLSearchParams(query).get("tab") === "queue";
    }

    function soon() {
        clearTimeout(timer);
        timer = setTimeout(refresh, Math.max(REFRESH_MS, refreshedAt + AT_MOST_EVERY_MS - Date.now()));
    }

    async function refresh() {
        clearTimeout(timer);
        refreshedAt = Date.now();
        fetching?.abort();
        overtaken = false;
        const mine = (fetching = new AbortController());
        list.setAttribute("aria-busy", "true");
        try {
            const response = await fetch(`/chat/${query}`, { headers: { "X-Console": "list" }, credentials: "same-origin", signal: mine.signal });
            if (!response.ok || response.redirected) throw new Error(response.statusText);
            draw(await response.text());
            failed.hidden = true;
        } catch {
            if (mine.signal.aborted) return;
            failed.textContent = words.listFailed;
            failed.hidden = false;
        } finally {
            if (!mine.signal.aborted) {
                fetching = null;
                list.removeAttribute("aria-busy");
                if (overtaken) soon();
            }
        }
    }

    /** Take over what changed; rows that are the same keep their place, focus and hover. */
    function draw(html) {
        const fresh = document.createElement("template");
        fresh.innerHTML = html;
        for (const old of list.querySelectorAll("[data-fresh]")) {
            const next = fresh.content.querySelector(`[data-fresh="${old.dataset.fresh}"]`);
                // A popover that is open is being used.
            if (next && !old.querySelector(":popover-open") && old.innerHTML !== next.innerHTML) old.innerHTML = next.innerHTML;
        }
        countQueue();
        const box = rows();
        box.dataset.url = fresh.content.querySelector("[data-chat-rows]").dataset.url;
        const known = new Map([...box.children].map((row) => [row.id, row]));
        const focused = document.activeElement?.closest?.("[data-row]")?.id;
        let place = box.firstElementChild;
        for (const next of [...fresh.content.querySelectorAll("[data-row]")]) {
            let row = known.get(next.id);
            known.delete(next.id);
            if (row && row.dataset.drawn !== next.outerHTML) {
                const replaced = row;
                row = next;
                row.dataset.drawn = next.outerHTML;
                if (place === replaced) place = replaced.nextElementSibling;
                replaced.remove();
            } else if (!row) {
                row = next;
                row.dataset.drawn = next.outerHTML;
            }
            if (row === place) place = place.nextElementSibling;
            else box.insertBefore(row, place);
        }
        for (const gone of known.values()) gone.remove();
        selection.drawn();
        mark(marked);
        const row = focused && document.getElementById(focused);
        if (row && document.activeElement === document.body) row.querySelector("a").focus({ preventScroll: true });
    }

    /** The rail says how many wait, as the tab of the queue does. */
    function countQueue() {
        const badge = document.querySelector(".rail-link[aria-current] [data-waiting]");
        const waiting = Number(list.querySelector('[data-tab="queue"] .count')?.textContent);
        if (!badge || Number.isNaN(waiting)) return;
        badge.hidden = !waiting;
        badge.firstElementChild.textContent = waiting > 99 ? "99+" : waiting;
        badge.lastElementChild.textContent = plural(words.waiting, waiting, locale);
    }

    function mark(conversation) {
        marked = conversation;
        for (const link of links()) {
            if (link.parentElement.dataset.conversation === conversation) link.setAttribute("aria-current", "true");
            else link.removeAttribute("aria-current");
        }
        const row = conversation && find(conversation);
        if (row && document.visibilityState === "visible") count(row, 0);
    }

    /** Other tab, state or words: the address says which, the thread stays open beside it. */
    function go(href, number, { replace = false } = {}) {
        const url = new URL(href, location.href);
        query = url.search;
        const shown = number ? `/chat/c/${number}${query}` : `/chat/${query}`;
        if (replace) history.replaceState({}, "", shown);
        else history.pushState({}, "", shown);
        return refresh();
    }

    const opened = () => root.querySelector("[data-thread]")?.dataset.number ?? null;

    const search = debounce((form) => {
        const given = new URLSearchParams(new FormData(form));
        const text = given.get("q").trim();
        go(`/chat/${text ? `?${given}` : ""}`, opened(), { replace: true });
    }, 250);

    const stops = [
        on(list, "input", "[data-search] input[type=search]", (event, field) => search(field.form)),
        on(list, "submit", "[data-search]", (event, form) => {
            event.preventDefault();
            search(form);
        }),
    ];

    const clockwork = setInterval(() => {
        for (const time of list.querySelectorAll("time[data-age]")) {
            const said = age(time.dateTime, locale, words);
            if (time.textContent !== said) time.textContent = said;
        }
    }, 30_000);

    function links() {
        return [...list.querySelectorAll("[data-row] > a")];
    }

    return {
        apply,
        refresh,
        mark,
        go,
        heads: () => heads,
        get url() {
            return `/chat/${query}`;
        },
        idOf(url) {
            const { pathname } = new URL(url, location.href);
            return links().find((link) => link.pathname === pathname)?.parentElement.dataset.conversation ?? null;
        },
        /** The browser went back: the list of that address, when it is another one. */
        follow(href) {
            const { search: wanted } = new URL(href);
            if (wanted === query) return;
            query = wanted;
            refresh();
        },
        /** Move the focus along the rows; from the open one when none has it. */
        step(direction) {
            const all = links();
            if (!all.length) return;
            const at = all.indexOf(document.activeElement);
            const from = at >= 0 ? at : all.findIndex((link) => link.hasAttribute("aria-current"));
            const next = all[Math.max(0, Math.min(all.length - 1, from + direction))] ?? all[0];
            next.focus();
            next.scrollIntoView({ block: "nearest" });
        },
        neighbour(conversation, direction) {
            const all = links();
            const at = all.findIndex((link) => link.parentElement.dataset.conversation === conversation);
            return all[at + direction]?.href ?? null;
        },
        focus(conversation) {
            const row = conversation && find(conversation);
            (row?.querySelector("a") ?? links()[0])?.focus({ preventScroll: true });
        },
        /** Put an x before the row that has the focus, or the open one. */
        toggle() {
            const row = document.activeElement?.closest?.("[data-row]") ?? (marked && find(marked));
            if (row) selection.toggle(row);
        },
        clearSelection: () => selection.clear(),
        focusSearch: () => list.querySelector("[data-search] input[type=search]").focus(),
        viewers(conversation, users) {
            const row = find(conversation);
            if (!row) return;
            piece(row, "viewers").replaceChildren(...faces(users, words));
        },
        visitor({ contact, online }) {
            for (const row of list.querySelectorAll(`[data-row][data-contact="${CSS.escape(contact)}"]`)) presence(row.querySelector(".avatar"), online);
        },
        close() {
            clearTimeout(timer);
            clearInterval(clockwork);
            fetching?.abort();
            selection.close();
            filters.close();
            for (const stop of stops) stop();
        },
    };
}

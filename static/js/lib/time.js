// Relative time up to a week, with the exact time on hover; kept fresh every half minute.

const language = document.documentElement.lang || "pt-br";
const relative = new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit" });
const today = new Intl.DateTimeFormat(language, { day: "numeric", month: "short" });
const date = new Intl.DateTimeFormat(language, { day: "numeric", month: "short", year: "numeric" });
const weekday = new Intl.DateTimeFormat(language, { weekday: "long", day: "numeric", month: "long" });

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const midnight = (when) => new Date(when.getFullYear(), when.getMonth(), when.getDate());
const daysBetween = (a, b) => Math.round((midnight(b) - midnight(a)) / DAY);

// "22 nov. 2026": the day first in both languages.
export function shortDate(when, withYear = true) {
    const parts = (withYear ? date : today).formatToParts(when);
    const part = (type) => parts.find((one) => one.type === type)?.value || "";
    const month = part("month").replace(/\.?$/, language.startsWith("pt") ? "." : "");
    return [part("day"), month, withYear && part("year")].filter(Boolean).join(" ");
}

export function timeOf(when) {
    return clock.format(when);
}

export function ago(when, now = new Date()) {
    const past = now - when;
    const days = daysBetween(when, now);
    if (past < -MINUTE || days >= 7) return shortDate(when);
    if (past < MINUTE) return relative.format(0, "second");
    if (past < HOUR) return relative.format(-Math.floor(past / MINUTE), "minute");
    if (days === 0 || past < 6 * HOUR) return relative.format(-Math.floor(past / HOUR), "hour");
    return relative.format(-days, "day");
}

// The mark between messages of different days: "today", "yesterday", "Thursday 19 November".
export function dayMark(when, now = new Date()) {
    const days = daysBetween(when, now);
    if (days === 0 || days === 1) return new Intl.RelativeTimeFormat(language, { numeric: "auto" }).format(-days, "day");
    return weekday.format(when);
}

// 63 s is "1:03".
export function duration(seconds) {
    const whole = Math.max(0, Math.round(seconds));
    const parts = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
    const shown = parts[0] ? parts : parts.slice(1);
    return shown.map((part, n) => (n ? String(part).padStart(2, "0") : String(part))).join(":");
}

export function refresh(root = document) {
    const now = new Date();
    for (const element of root.querySelectorAll("time[data-ago]")) {
        const words = ago(new Date(element.dateTime), now);
        if (element.textContent !== words) element.textContent = words;
    }
}

refresh();
setInterval(refresh, MINUTE / 2);
document.addEventListener("htmx:load", (event) => refresh(event.detail.elt));

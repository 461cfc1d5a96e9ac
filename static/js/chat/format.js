// How messages look in words: times, day marks, links. Shared by the widget and the agents' console.

const LINK = /\bhttps?:\/\/[^\s<>"']+|\bwww\.[^\s<>"']+\.[^\s<>"']+|\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/gi;
const TRAILING = /[.,;:!?)\]}]+$/;
const DAY_MS = 86_400_000;

let zone;

/** Show times of this zone instead of the reader's own: a team's page speaks in the team's zone, as the server does. */
export function useZone(name) {
    zone = name;
}

// Making a formatter takes longer than a hundred uses of it.
const formatters = new Map();

function formatter(locale, shape) {
    const key = `${locale}${zone}${Object.entries(shape)}`;
    if (!formatters.has(key)) formatters.set(key, new Intl.DateTimeFormat(locale, { ...shape, timeZone: zone }));
    return formatters.get(key);
}

function said(date, locale, shape) {
    return formatter(locale, shape).format(date);
}

/** Text as nodes, addresses as safe links, line breaks kept by CSS. Nothing is ever parsed as HTML. */
export function linked(text) {
    const fragment = document.createDocumentFragment();
    let end = 0;
    for (const match of text.matchAll(LINK)) {
        let shown = match[0];
        const tail = shown.match(TRAILING)?.[0] ?? "";
        // A bracket that was opened inside the address belongs to it.
        if (tail && !(tail.startsWith(")") && shown.includes("("))) shown = shown.slice(0, -tail.length);
        const mail = !/^(https?:|www\.)/i.test(shown);
        const link = document.createElement("a");
        link.href = mail ? `mailto:${shown}` : /^https?:/i.test(shown) ? shown : `https://${shown}`;
        link.textContent = shown;
        if (!mail) {
            link.target = "_blank";
            link.rel = "noopener noreferrer nofollow ugc";
        }
        fragment.append(text.slice(end, match.index), link);
        end = match.index + shown.length;
    }
    fragment.append(text.slice(end));
    return fragment;
}

/** `14:05`. */
export function clock(value, locale) {
    return said(new Date(value), locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

/** A day as people say it: today, yesterday, the weekday within a week, then the date. */
export function day(value, locale, words) {
    const date = new Date(value);
    const days = midnight(new Date()) - midnight(date);
    if (days <= 0) return words.today;
    if (days === 1) return words.yesterday;
    if (days < 7) return capital(said(date, locale, { weekday: "long" }));
    return shortDate(date, locale, { year: "numeric" });
}

/** The day of an instant as a number, for comparing many. */
export const dayNumber = (value) => midnight(new Date(value));

export function sameDay(a, b) {
    return midnight(new Date(a)) === midnight(new Date(b));
}

/** Age for a narrow list: `agora`, `5 min`, `3 h`, `ontem`, `22 nov.` */
export function age(value, locale, words) {
    const date = new Date(value);
    const minutes = Math.floor((Date.now() - date) / 60_000);
    if (minutes < 1) return words.now;
    if (minutes < 60) return `${minutes} min`;
    const days = midnight(new Date()) - midnight(date);
    if (days === 0) return clock(value, locale);
    if (days === 1) return words.yesterday.toLocaleLowerCase(locale);
    return days < 7 ? said(date, locale, { weekday: "short" }) : shortDate(date, locale);
}

/** One or two letters for a face without a picture. */
export function initials(name) {
    const parts = (name ?? "").trim().split(/\s+/).filter((part) => /^[\p{L}\p{N}]/u.test(part) && !/^(da|das|de|do|dos|e)$/i.test(part));
    const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts;
    return letters.map((part) => [...part][0]).join("").toLocaleUpperCase() || "?";
}

/** What a person outside is called; of whom nothing is known has four digits of their key, as the server counts them. */
export function personName(person, words) {
    if (person?.name) return person.name;
    return person?.id ? fill(words.visitorNumber, { number: (parseInt(person.id.slice(-6), 16) % 9000) + 1000 }) : words.visitor;
}

/** What is said of a message where only words fit. */
export function inWords(message, words) {
    return message.body || (message.attachments?.[0]?.voice ? words.voiceMessage : words.file);
}

/** Five minutes and the same author keep messages together. */
export function together(a, b) {
    return Boolean(a && b) && a.author === b.author && a.private === b.private && new Date(b.at) - new Date(a.at) < 300_000 && sameDay(a.at, b.at);
}

/** Fill `%(name)s` in a text of the catalogue. */
export function fill(text, values) {
    return (text ?? "").replace(/%\((\w+)\)s/g, (_, key) => values[key] ?? "");
}

/** The form of `{one, other}` that fits a number. */
export function plural(forms, count, locale) {
    return fill(forms[new Intl.PluralRules(locale).select(count)] ?? forms.other, { count });
}

/** `22 nov. 2026`: the day first in both languages, as on every page. */
function shortDate(date, locale, shape = {}) {
    const shown = formatter(locale, { day: "numeric", month: "short", ...shape }).formatToParts(date);
    const part = (type) => shown.find((one) => one.type === type)?.value;
    return [part("day"), part("month"), part("year")].filter(Boolean).join(" ");
}

/** The day as a number, in the zone that is shown. */
function midnight(date) {
    return Date.parse(said(date, "en-CA", { year: "numeric", month: "2-digit", day: "2-digit" })) / DAY_MS;
}

function capital(text) {
    return text.charAt(0).toLocaleUpperCase() + text.slice(1);
}

/** What a thread says about a finished call; `said` are the words of `call_lines`. */
export function callText({ video, reason, duration_s: length = 0, started_by: from }, by, said) {
    if (reason === "completed" || reason === "lost") return fill(video ? said.video : said.voice, { time: `${Math.floor(length / 60)}:${String(length % 60).padStart(2, "0")}` });
    const missed = reason === "missed" || reason === "cancelled";
    if (from === "visitor") return missed ? (video ? said.missedVideo : said.missedVoice) : said.refused;
    return fill(missed ? said.noAnswer : said.declined, { by });
}

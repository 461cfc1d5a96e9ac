// What happened, in whole sentences; the same words and rules as chat/views/words.py.

import { callText, fill } from "./format.js";

export function activityText({ meta, author }, words) {
    const said = words.activity;
    const by = author?.name ?? "";
    const named = (one) => one?.name ?? "";
    switch (meta?.action) {
        case "assigned":
            if (!meta.to) return fill(by ? said.unassigned : said.unassignedItself, { by });
            if (meta.to.name === by || !by) return fill(said.assigned, { name: meta.to.name });
            return fill(said.given, { by, name: meta.to.name });
        case "status":
            if (meta.by_contact) return said.ended;
            return by ? fill(said[meta.to], { by }) : (said[`${meta.to}Itself`] ?? said.reopened);
        case "priority":
            return fill(by ? said.priority : said.priorityItself, { by, priority: words.priorities[meta.to] });
        case "handoff":
            return fill(said.handoff, { bot: named(meta.bot), reason: words.handoffReasons[meta.reason] ?? "" });
        case "call":
            return callText(meta, by, words.callLines);
        case "team":
            return fill(meta.to ? said.team : said.noTeam, { by: by || words.automation, name: named(meta.to) });
        case "labels": {
            const added = (meta.added ?? []).map((one) => one.name ?? one).join(", ");
            const removed = (meta.removed ?? []).map((one) => one.name ?? one).join(", ");
            const key = added && removed ? "labelsBoth" : added ? "labelsAdded" : "labelsRemoved";
            return fill(said[key], { by: by || words.automation, added, removed });
        }
        default:
            return said[meta?.action] ? fill(said[meta.action], { by: by || words.automation, name: named(meta.to) }) : "";
    }
}

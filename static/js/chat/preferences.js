// Choices of a person on this device: single keys, Enter, sounds, notifications.

/** Whether a choice is on; `usual` when the person never chose. */
export function preference(name, usual = true) {
    const said = localStorage.getItem(`chat:${name}`);
    return said === null ? usual : said !== "off";
}

export function setPreference(name, value) {
    localStorage.setItem(`chat:${name}`, value ? "on" : "off");
}

export function bindPreferences(root) {
    for (const box of root.querySelectorAll("[data-preference]")) {
        box.checked = preference(box.dataset.preference, box.dataset.usual !== "off");
        box.addEventListener("change", () => setPreference(box.dataset.preference, box.checked));
    }
}

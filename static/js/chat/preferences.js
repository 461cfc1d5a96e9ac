// Two choices of a person on this device: whether single keys act, and whether Enter sends.

/** True unless the person switched it off. */
export function preference(name) {
    return localStorage.getItem(`chat:${name}`) !== "off";
}

export function bindPreferences(root) {
    for (const box of root.querySelectorAll("[data-preference]")) {
        box.checked = preference(box.dataset.preference);
        box.addEventListener("change", () => localStorage.setItem(`chat:${box.dataset.preference}`, box.checked ? "on" : "off"));
    }
}

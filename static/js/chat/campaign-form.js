// The editor of a campaign: the preview follows what is typed, and only the fields of the chosen inbox's channel are shown.

const PLACE = /\{\{\s*([a-z_]+\.[a-z_0-9]+)\s*(?:\|([^{}|]{0,60}))?\}\}/g;

export function start(root) {
    const form = root.querySelector("form");
    const channels = JSON.parse(root.querySelector("#campaign-channels").textContent);
    const name = root.querySelector("[data-preview-name]");
    const text = root.querySelector("[data-preview-text]");
    const subject = root.querySelector("[data-preview-subject]");
    const { inbox, speaker, body, subject: title, template } = form.elements;

    /** As somebody reads it about whom nothing is known but what stands after the bar. */
    function shown(words) {
        return words.replace(PLACE, (whole, place, instead) => (instead ?? "").trim() || (place === "agent.name" ? said() : `‹${place.split(".")[1].replace("_", " ")}›`));
    }

    function said() {
        return speaker.value ? speaker.selectedOptions[0].textContent.trim() : root.dataset.company;
    }

    function draw() {
        const channel = channels[inbox.value] ?? "";
        for (const part of form.querySelectorAll("[data-for]")) part.hidden = Boolean(channel) && !part.dataset.for.split(" ").includes(channel);
        name.textContent = said();
        const words = channel === "whatsapp" ? template?.selectedOptions[0]?.textContent ?? "" : shown(body.value);
        text.textContent = words || root.dataset.empty;
        text.classList.toggle("faint", !words);
        if (subject) {
            subject.textContent = shown(title.value);
            subject.hidden = !title.value || channel !== "email";
        }
    }

    form.addEventListener("input", draw);
    draw();
    return () => form.removeEventListener("input", draw);
}

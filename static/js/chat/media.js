// Pictures large, voice messages with their waveform.

import { on } from "../lib/dom.js";
import { duration } from "../lib/time.js";
import { openDialog } from "../lib/dialog.js";

export function openLightbox({ app }) {
    const { root } = app;
    const box = document.getElementById("chat-lightbox");
    let pictures = [];
    let at = 0;

    function show(next) {
        at = (next + pictures.length) % pictures.length;
        const link = pictures[at];
        const image = box.querySelector("img");
        image.src = link.href;
        image.alt = link.dataset.fileName ?? "";
        box.querySelector("[data-lightbox-name]").textContent = `${link.dataset.fileName ?? ""}${pictures.length > 1 ? ` · ${at + 1}/${pictures.length}` : ""}`;
        box.querySelector("[data-lightbox-open]").href = link.href;
        for (const button of box.querySelectorAll("[data-lightbox-step]")) button.hidden = pictures.length < 2;
    }

    const stops = [
        on(root, "click", "a[data-picture]", (event, link) => {
            if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
            event.preventDefault();
            pictures = [...root.querySelectorAll("a[data-picture]")];
            openDialog(box);
            show(pictures.indexOf(link));
        }),
        on(box, "click", "[data-lightbox-step]", (event, button) => show(at + Number(button.dataset.lightboxStep))),
        on(root, "click", "[data-play]", (event, button) => toggle(button)),
        on(root, "click", "[data-speed]", (event, button) => speed(button)),
        on(root, "input", "[data-seek]", (event, slider) => {
            const sound = slider.closest("[data-sound]").querySelector("audio");
            if (sound.duration) sound.currentTime = (slider.value / 1000) * sound.duration;
        }),
    ];
    const onKey = (event) => {
        if (event.key === "ArrowRight") show(at + 1);
        else if (event.key === "ArrowLeft") show(at - 1);
    };
    box.addEventListener("keydown", onKey);

    function toggle(button) {
        const frame = button.closest("[data-sound]");
        const sound = frame.querySelector("audio");
        const slider = frame.querySelector("[data-seek]");
        const time = frame.querySelector("[data-sound-time]");
        if (!sound.dataset.bound) {
            sound.dataset.bound = "";
            sound.addEventListener("timeupdate", () => {
                if (Number.isFinite(sound.duration)) slider.value = Math.round((sound.currentTime / sound.duration) * 1000);
                time.textContent = duration(sound.currentTime);
            });
            for (const type of ["play", "pause", "ended"]) sound.addEventListener(type, () => frame.toggleAttribute("data-playing", !sound.paused && !sound.ended));
        }
        // One voice at a time.
        for (const other of root.querySelectorAll("[data-sound] audio")) if (other !== sound) other.pause();
        if (sound.paused) sound.play().catch(() => {});
        else sound.pause();
    }

    function speed(button) {
        const sound = button.closest("[data-sound]").querySelector("audio");
        const next = { 1: 1.5, 1.5: 2, 2: 1 }[sound.playbackRate] ?? 1;
        sound.playbackRate = next;
        button.textContent = `${next}×`;
    }

    return {
        close() {
            box.removeEventListener("keydown", onKey);
            for (const stop of stops) stop();
        },
    };
}

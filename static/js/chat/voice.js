// A voice message: recorded with a level meter, listened to before it is sent, sent up like any file.

import { duration } from "../lib/time.js";
import { toast } from "../lib/toast.js";
import { upload } from "./attach.js";
import { h } from "./dom.js";

const LONGEST_S = 300;
const TYPES = ["audio/webm;codecs=opus", "audio/ogg;codecs=opus", "audio/mp4"];
const BARS = 28;

export function openVoice({ form, words, send }) {
    const button = form.querySelector("[data-voice]");
    const panel = form.querySelector("[data-voice-panel]");
    if (!button || !navigator.mediaDevices?.getUserMedia || !globalThis.MediaRecorder) {
        button?.remove();
        return { close() {} };
    }
    let recorder = null;
    let stream = null;
    let meter = 0;
    let sound = null;
    let begunAt = 0;
    let cancelled = false;
    let asking = false;

    const say = panel.querySelector("[data-voice-time]");
    const bars = panel.querySelector("[data-voice-bars]");
    bars.replaceChildren(...Array.from({ length: BARS }, () => h("i", {})));

    async function begin() {
        if (asking || recorder) return null;
        asking = true;
        // The browser may ask first, or the microphone take its time.
        button.setAttribute("aria-busy", "true");
        try {
            stream = await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } });
        } catch {
            return toast(words.noMicrophone, { tone: "error" });
        } finally {
            asking = false;
            button.removeAttribute("aria-busy");
        }
        const mimeType = TYPES.find((type) => MediaRecorder.isTypeSupported(type));
        const pieces = [];
        cancelled = false;
        recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
        recorder.ondataavailable = (event) => event.data.size && pieces.push(event.data);
        recorder.onstop = () => finish(new Blob(pieces, { type: recorder.mimeType }));
        recorder.start(250);
        begunAt = Date.now();
        panel.hidden = false;
        form.dataset.recording = "";
        panel.querySelector("[data-voice-send]").focus();
        watch();
        return null;
    }

    function watch() {
        sound = new AudioContext();
        const analyser = sound.createAnalyser();
        analyser.fftSize = 256;
        sound.createMediaStreamSource(stream).connect(analyser);
        const samples = new Uint8Array(analyser.fftSize);
        const levels = Array(BARS).fill(0);
        let drawnAt = 0;
        const draw = (now) => {
            meter = requestAnimationFrame(draw);
            if (now - drawnAt < 80) return;
            drawnAt = now;
            analyser.getByteTimeDomainData(samples);
            levels.push(Math.min(1, Math.max(...samples.map((sample) => Math.abs(sample - 128))) / 64));
            levels.shift();
            [...bars.children].forEach((bar, index) => bar.style.setProperty("--level", levels[index].toFixed(2)));
            const seconds = (Date.now() - begunAt) / 1000;
            say.textContent = duration(seconds);
            if (seconds >= LONGEST_S) stop();
        };
        meter = requestAnimationFrame(draw);
    }

    function stop(dropped = false) {
        cancelled = dropped;
        if (recorder?.state === "recording") recorder.stop();
    }

    function release() {
        cancelAnimationFrame(meter);
        sound?.close();
        for (const track of stream?.getTracks() ?? []) track.stop();
        sound = stream = recorder = null;
        panel.hidden = true;
        delete form.dataset.recording;
    }

    async function finish(blob) {
        const type = blob.type;
        const length = (Date.now() - begunAt) / 1000;
        release();
        if (cancelled || length < 0.5) return button.focus();
        const ending = type.includes("mp4") ? "m4a" : type.includes("ogg") ? "ogg" : "webm";
        const note = toast(words.sendingVoice, { tone: "info", stays: true });
        try {
            const made = await upload(new File([blob], `voz-${Math.round(length)}s.${ending}`, { type }), { signal: new AbortController().signal, voice: true });
            send({ body: "", attachment_ids: [made.id], files: [{ name: words.voiceMessage }] });
        } catch (error) {
            toast(error.problem?.detail || error.message || words.uploadFailed, { tone: "error" });
        } finally {
            note.remove();
        }
        return button.focus();
    }

    button.addEventListener("click", begin);
    panel.querySelector("[data-voice-cancel]").addEventListener("click", () => stop(true));
    panel.querySelector("[data-voice-send]").addEventListener("click", () => stop(false));
    panel.addEventListener("keydown", (event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        stop(true);
    });
    return { close: () => stop(true) };
}

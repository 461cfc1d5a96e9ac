// Recording a voice message, with a meter that shows that the microphone hears something.

import { h, icon } from "../js/chat/dom.js";
import { duration } from "./lines.js";

const LONGEST_S = 300;
const BARS = 28;
// The first one the browser can write; the server makes of it what every browser plays.
const KINDS = ["audio/webm;codecs=opus", "audio/mp4", "audio/ogg;codecs=opus"];

export function open({ lane, text, say, shut, done }) {
    const bars = Array.from({ length: BARS }, () => h("i"));
    const clock = h("span.voice-clock", { role: "timer" }, "0:00");
    const cancel = h("button.tool", { type: "button", "aria-label": text.voiceCancel, title: text.voiceCancel, onclick: () => shut() }, icon("trash"));
    const finish = h("button.send", { type: "button", "aria-label": text.voiceSend, title: text.voiceSend, disabled: true, onclick: () => end(true) }, icon("send"));
    const note = h("p.visually-hidden", { role: "status" });
    lane.replaceChildren(h("div.voice", {}, cancel, h("span.live-dot", { "aria-hidden": "true" }), clock, h("span.meter", { "aria-hidden": "true" }, bars), finish, note));
    finish.focus();

    const levels = new Array(BARS).fill(0);
    const pieces = [];
    let stream = null;
    let recorder = null;
    let context = null;
    let begun = 0;
    let ticking = 0;
    let wanted = false;
    let stopped = false;

    navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true } }).then(start, () => {
        say(text.noMicrophone);
        shut();
    });

    function start(given) {
        stream = given;
        if (stopped) return release();
        const type = KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) ?? "";
        recorder = new MediaRecorder(stream, type ? { mimeType: type, audioBitsPerSecond: 32_000 } : {});
        recorder.ondataavailable = ({ data }) => data.size && pieces.push(data);
        recorder.onstop = () => {
            release();
            if (!wanted || !pieces.length) return;
            const bare = recorder.mimeType.split(";")[0] || "audio/webm";
            done({ name: `${text.voiceName}.${bare.split("/")[1]}`, type: bare, blob: new Blob(pieces, { type: bare }), voice: true });
        };
        recorder.start(1000);
        begun = Date.now();
        finish.disabled = false;
        note.textContent = text.recording;
        context = new AudioContext();
        const analyser = context.createAnalyser();
        analyser.fftSize = 512;
        context.createMediaStreamSource(stream).connect(analyser);
        const wave = new Uint8Array(analyser.fftSize);
        ticking = setInterval(() => {
            analyser.getByteTimeDomainData(wave);
            const peak = wave.reduce((most, value) => Math.max(most, Math.abs(value - 128)), 0) / 128;
            levels.push(peak);
            levels.shift();
            bars.forEach((bar, at) => (bar.style.blockSize = `${Math.round(3 + Math.min(1, levels[at] * 1.6) * 25)}px`));
            const seconds = (Date.now() - begun) / 1000;
            clock.textContent = duration(seconds);
            if (seconds >= LONGEST_S) end(true);
        }, 90);
    }

    function end(keep) {
        wanted = keep;
        if (recorder?.state === "recording") recorder.stop();
        else release();
    }

    function release() {
        clearInterval(ticking);
        for (const track of stream?.getTracks() ?? []) track.stop();
        if (context && context.state !== "closed") context.close();
    }

    return {
        stop() {
            stopped = true;
            if (!wanted) end(false);
        },
    };
}

// The sound of a call: made, not loaded. Two soft notes while it rings at us, one low one while it rings at them.

const NOTES = { incoming: [[659, 0], [523, 0.22], [659, 0.44], [523, 0.66]], calling: [[425, 0]] };
const LENGTH = { incoming: 0.18, calling: 1 };
const EVERY_MS = { incoming: 2_600, calling: 4_000 };

let context = null;
let timer = 0;
let playing = "";

function note(pitch, at, length) {
    const tone = context.createOscillator();
    const level = context.createGain();
    tone.frequency.value = pitch;
    level.gain.setValueAtTime(0, at);
    level.gain.linearRampToValueAtTime(0.12, at + 0.02);
    level.gain.setValueAtTime(0.12, at + length - 0.05);
    level.gain.linearRampToValueAtTime(0, at + length);
    tone.connect(level).connect(context.destination);
    tone.start(at);
    tone.stop(at + length);
}

/** Ring as "incoming" or "calling"; anything else is silence. Before a page was touched browsers keep silent. */
export function ring(kind) {
    if (kind === playing) return;
    clearInterval(timer);
    playing = kind;
    if (!NOTES[kind]) return;
    try {
        context ??= new AudioContext();
    } catch {
        return;
    }
    const once = () => {
        if (context.state !== "running") return void context.resume().catch(() => {});
        for (const [pitch, at] of NOTES[kind]) note(pitch, context.currentTime + at, LENGTH[kind]);
    };
    once();
    timer = setInterval(once, EVERY_MS[kind]);
}

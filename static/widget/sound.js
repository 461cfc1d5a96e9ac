// Two soft notes for a message that came while nobody looked. Made here, so there is no file to fetch.

let context = null;

export function chime() {
    try {
        context ??= new AudioContext();
        if (context.state === "suspended") context.resume();
        const now = context.currentTime;
        [
            [660, 0],
            [880, 0.11],
        ].forEach(([pitch, after]) => {
            const tone = context.createOscillator();
            const loudness = context.createGain();
            tone.frequency.value = pitch;
            loudness.gain.setValueAtTime(0, now + after);
            loudness.gain.linearRampToValueAtTime(0.08, now + after + 0.02);
            loudness.gain.exponentialRampToValueAtTime(0.0001, now + after + 0.28);
            tone.connect(loudness).connect(context.destination);
            tone.start(now + after);
            tone.stop(now + after + 0.3);
        });
    } catch {
        // A browser that plays nothing before somebody touched the page.
    }
}

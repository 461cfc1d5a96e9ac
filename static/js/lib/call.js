// One call between two browsers: who rings, who answers, the line between them, and what goes over it.
//
// The socket carries the words (frames `call.*`, described in chat/README.md); sound and picture go directly. The
// agent's page makes every offer and the visitor's answers, so two offers never meet. Sound and picture have their two
// lanes from the beginning: switching the camera, another device or the screen changes only what goes over a lane.

import { uuid } from "./socket.js";

const ALIVE_MS = 20_000;
const GRACE_MS = 30_000;
const RESTART_MS = 4_000;
const SHOWN_MS = 3_000;

// What this tab knows after a reload; only until then where the browser refuses storage to embedded pages.
const memory = (() => {
    try {
        return window.sessionStorage;
    } catch {
        const kept = new Map();
        return { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value), removeItem: (name) => kept.delete(name) };
    }
})();

const CAMERA = { width: { ideal: 1280 }, height: { ideal: 720 } };

/**
 * The one call a page may hold.
 *
 * side      "agent" or "visitor"
 * send      (frame) => whether it left
 * begin     async (conversation, {video, peer}) => {call, ice_servers}
 * live      async () => {calls, ice_servers}; asked once, after a reload
 * ringsFor  (call) => whether a ringing call is meant for this page
 * changed   () => void; `phase` and everything else may be different now
 *
 * `phase`: idle, incoming, calling, connecting, talking, ended.
 */
export function openCall({ side, send, begin, live, ringsFor = () => true, changed }) {
    const theirSide = side === "agent" ? "visitor" : "agent";
    const peer = uuid();
    const kept = `call:${side}`;
    const self = { phase: "idle", call: null, local: new MediaStream(), remote: new MediaStream(), audio: true, video: false, screen: false, theirs: { audio: true, video: false, screen: false }, trouble: "", devices: choices(), peer };
    let servers = [];
    let line = null;
    let lineWith = "";
    let lanes = {};
    let waiting = [];
    let alive = 0;
    let lost = 0;
    let restart = 0;
    let ringing = 0;
    let closing = 0;

    function choices() {
        try {
            return JSON.parse(localStorage.getItem("call-devices")) ?? {};
        } catch {
            return {};
        }
    }

    function become(phase) {
        self.phase = phase;
        changed();
    }

    function say(type, fields = {}) {
        return send({ type, call: self.call.id, peer, to: self.call[`${theirSide}_peer`], ...fields });
    }

    const inCall = () => ["calling", "connecting", "talking"].includes(self.phase);

    // --- Beginning and ending -----------------------------------------------------------------------

    async function start(conversation, { video }) {
        if (self.phase !== "idle" && self.phase !== "ended") return;
        clearTimeout(closing);
        self.call = { conversation, video, started_by: side, state: "ringing" };
        self.trouble = "";
        become("calling");
        await listen(video);
        if (self.phase !== "calling") return;
        try {
            const answer = await begin(conversation, { video, peer });
            servers = answer.ice_servers;
            if (self.phase !== "calling") return send({ type: "call.end", call: answer.call.id });
            take(answer.call);
            send({ type: "call.join", call: answer.call.id, peer });
        } catch (error) {
            over("failed", error.problem?.detail ?? error.reason ?? error.message);
        }
    }

    async function accept({ video = self.call.video } = {}) {
        if (self.phase !== "incoming") return;
        const { id } = self.call;
        become("connecting");
        await listen(video);
        if (self.call?.id === id && self.phase === "connecting") send({ type: "call.accept", call: id, peer });
    }

    function decline() {
        if (self.phase !== "incoming") return;
        send({ type: "call.decline", call: self.call.id });
        quiet();
    }

    function end() {
        if (self.phase === "incoming") return decline();
        if (self.call?.id) send({ type: "call.end", call: self.call.id });
        if (inCall()) over("completed");
        else quiet();
    }

    /** What the server says about the call of this page. */
    function take(call) {
        self.call = call;
        if (call.state === "active" && self.phase === "calling") become("connecting");
        if (!inCall()) return;
        memory.setItem(kept, call.id);
        alive ||= setInterval(() => send({ type: "call.alive", call: self.call.id }), ALIVE_MS);
        clearTimeout(ringing);
        // The server ends a call nobody answers; this is for a page that does not hear it.
        if (call.state === "ringing") ringing = setTimeout(() => self.call?.state === "ringing" && over("missed"), Math.max(0, Date.parse(call.rings_until) - Date.now()) + 5_000);
        if (side === "agent" && call.state === "active" && call.visitor_peer && call.visitor_peer !== lineWith) offer(call.visitor_peer);
        changed();
    }

    function over(reason, words = "") {
        hangUp();
        self.call = { ...self.call, state: "ended", reason: self.call?.reason || reason, duration_s: self.call?.duration_s || talked() };
        self.trouble = words;
        become("ended");
        clearTimeout(closing);
        closing = setTimeout(() => self.phase === "ended" && !self.trouble && quiet(), SHOWN_MS);
    }

    function talked() {
        return self.call?.answered_at ? Math.max(0, Math.round((Date.now() - Date.parse(self.call.answered_at)) / 1000)) : 0;
    }

    function quiet() {
        hangUp();
        self.call = null;
        self.trouble = "";
        become("idle");
    }

    function hangUp() {
        clearInterval(alive);
        alive = 0;
        for (const timer of [lost, restart, ringing, closing]) clearTimeout(timer);
        memory.removeItem(kept);
        drop();
        for (const track of self.local.getTracks()) track.stop();
        self.local = new MediaStream();
        Object.assign(self, { audio: true, video: false, screen: false, theirs: { audio: true, video: false, screen: false } });
    }

    function drop() {
        if (!line) return;
        line.onconnectionstatechange = line.onicecandidate = line.ontrack = null;
        line.close();
        line = null;
        lineWith = "";
        lanes = {};
        waiting = [];
        self.remote = new MediaStream();
    }

    // --- Microphone, camera, screen -----------------------------------------------------------------

    async function listen(video) {
        const { microphone, camera } = self.devices;
        const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true, ...(microphone ? { deviceId: { ideal: microphone } } : {}) };
        const asked = { audio, video: video ? { ...CAMERA, facingMode: "user", ...(camera ? { deviceId: { ideal: camera } } : {}) } : false };
        self.trouble = "";
        let stream = await media(asked);
        // A missing or refused camera must not keep anybody from talking.
        if (!stream && video) {
            stream = await media({ audio });
            if (stream) self.trouble = "camera";
        }
        if (!stream) self.trouble = "microphone";
        for (const track of stream?.getTracks() ?? []) put(track);
        self.audio = self.local.getAudioTracks().length > 0;
        self.video = self.local.getVideoTracks().length > 0;
        changed();
    }

    async function media(asked) {
        try {
            return await navigator.mediaDevices.getUserMedia(asked);
        } catch {
            return null;
        }
    }

    /** Let a track take the place of the one of its kind, here and on the line. */
    function put(track, kind = track.kind) {
        for (const old of self.local.getTracks().filter((one) => one.kind === kind)) {
            if (old === track) continue;
            self.local.removeTrack(old);
            old.stop();
        }
        if (track) self.local.addTrack(track);
        lanes[kind]?.sender.replaceTrack(track ?? null).catch(() => {});
    }

    function tell() {
        if (self.call?.[`${theirSide}_peer`]) say("call.media", { audio: self.audio, video: self.video || self.screen, screen: self.screen });
        changed();
    }

    async function mute(on = self.audio) {
        let [track] = self.local.getAudioTracks();
        if (!track && !on) {
            const stream = await media({ audio: true });
            [track] = stream?.getAudioTracks() ?? [];
            if (!track) return (self.trouble = "microphone"), changed();
            put(track);
            self.trouble = "";
        }
        if (track) track.enabled = !on;
        self.audio = Boolean(track) && !on;
        tell();
    }

    async function look(on = !self.video) {
        if (self.screen) await share(false);
        if (!on) {
            put(null, "video");
            self.video = false;
            return tell();
        }
        const { camera } = self.devices;
        const stream = await media({ video: { ...CAMERA, ...(camera ? { deviceId: { ideal: camera } } : { facingMode: "user" }) } });
        if (!inCall()) return stream?.getTracks().forEach((track) => track.stop());
        const [track] = stream?.getVideoTracks() ?? [];
        self.trouble = track ? "" : "camera";
        if (track) put(track);
        self.video = Boolean(track);
        tell();
    }

    async function share(on = !self.screen) {
        if (!on) {
            put(null, "video");
            self.screen = false;
            if (self.video) {
                self.video = false;
                return look(true);
            }
            return tell();
        }
        let stream;
        try {
            stream = await navigator.mediaDevices.getDisplayMedia({ video: true });
        } catch {
            return; // The person changed their mind.
        }
        const [track] = stream.getVideoTracks();
        if (!inCall()) return track.stop();
        track.contentHint = "detail";
        track.onended = () => self.local.getTracks().includes(track) && share(false);
        put(track);
        self.screen = true;
        tell();
    }

    /** Another microphone or camera, remembered for the next call. */
    async function choose(kind, id) {
        self.devices = { ...self.devices, [kind]: id };
        localStorage.setItem("call-devices", JSON.stringify(self.devices));
        if (kind === "speaker" || !inCall()) return changed();
        if (kind === "camera") return self.video && !self.screen ? look(true) : changed();
        const stream = await media({ audio: { deviceId: { exact: id }, echoCancellation: true, noiseSuppression: true } });
        const [track] = stream?.getAudioTracks() ?? [];
        if (!track) return;
        track.enabled = self.audio;
        put(track);
        changed();
    }

    async function devices() {
        const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
        const of = (kind) => all.filter((one) => one.kind === kind && one.deviceId).map(({ deviceId, label }) => ({ id: deviceId, label }));
        const used = (kind) => self.local.getTracks().find((one) => one.kind === kind)?.getSettings().deviceId ?? "";
        return { microphone: { all: of("audioinput"), used: used("audio") }, camera: { all: of("videoinput"), used: self.screen ? "" : used("video") }, speaker: { all: of("audiooutput"), used: self.devices.speaker ?? "" } };
    }

    // --- The line -----------------------------------------------------------------------------------

    function wire(other) {
        drop();
        const mine = (line = new RTCPeerConnection({ iceServers: servers }));
        lineWith = other;
        self.remote = new MediaStream();
        mine.onicecandidate = ({ candidate }) => say("call.ice", { candidate: candidate?.toJSON() ?? null });
        mine.ontrack = ({ track }) => {
            self.remote.addTrack(track);
            changed();
        };
        mine.onconnectionstatechange = () => {
            if (line !== mine) return;
            const state = mine.connectionState;
            if (state === "connected") {
                clearTimeout(lost);
                clearTimeout(restart);
                lost = restart = 0;
                if (self.trouble === "line") self.trouble = "";
                tell();
                if (self.phase === "connecting") become("talking");
                else changed();
            } else if (state === "disconnected" || state === "failed") {
                self.trouble = "line";
                lost ||= setTimeout(() => end(), GRACE_MS);
                if (side === "agent") restart ||= setTimeout(again, state === "failed" ? 0 : RESTART_MS);
                changed();
            }
        };
        return mine;
    }

    /** Look for another way to the same page: a telephone went from Wi-Fi to the street. */
    async function again() {
        restart = 0;
        if (!line || line.connectionState === "connected") return;
        const description = await line.createOffer({ iceRestart: true });
        await line.setLocalDescription(description);
        say("call.offer", { sdp: description.sdp });
        restart = setTimeout(again, RESTART_MS * 2);
    }

    async function offer(other) {
        const mine = wire(other);
        for (const kind of ["audio", "video"]) {
            lanes[kind] = mine.addTransceiver(kind, { direction: "sendrecv" });
            const [track] = self.local.getTracks().filter((one) => one.kind === kind);
            if (track) lanes[kind].sender.replaceTrack(track).catch(() => {});
        }
        const description = await mine.createOffer();
        if (line !== mine) return;
        await mine.setLocalDescription(description);
        say("call.offer", { sdp: description.sdp });
        changed();
    }

    async function answer(frame) {
        const mine = line && lineWith === frame.from ? line : wire(frame.from);
        await mine.setRemoteDescription({ type: "offer", sdp: frame.sdp });
        for (const lane of mine.getTransceivers()) {
            const { kind } = lane.receiver.track;
            lanes[kind] = lane;
            lane.direction = "sendrecv";
            const [track] = self.local.getTracks().filter((one) => one.kind === kind);
            if (track && lane.sender.track !== track) await lane.sender.replaceTrack(track).catch(() => {});
        }
        await found(mine);
        const description = await mine.createAnswer();
        if (line !== mine) return;
        await mine.setLocalDescription(description);
        say("call.answer", { sdp: description.sdp, to: frame.from });
    }

    async function found(mine) {
        const all = waiting;
        waiting = [];
        for (const candidate of all) await mine.addIceCandidate(candidate).catch(() => {});
    }

    // --- What the socket says -----------------------------------------------------------------------

    const told = {
        "call.ring"({ call }) {
            if (self.call?.id === call.id) return take(call);
            if (call.started_by === side || !ringsFor(call)) return;
            if (inCall() || self.phase === "incoming") return;
            incoming(call);
        },
        "call.accept": joined,
        "call.join": joined,
        "call.ok"({ call, ice_servers: given }) {
            servers = given;
            if (self.call?.id !== call.id || !inCall()) return;
            if (self.phase === "calling" && call.state === "active") self.phase = "connecting";
            take(call);
        },
        async "call.offer"(frame) {
            if (side === "visitor" && inCall()) await answer(frame);
        },
        async "call.answer"(frame) {
            if (!line || frame.from !== lineWith || line.signalingState !== "have-local-offer") return;
            await line.setRemoteDescription({ type: "answer", sdp: frame.sdp });
            await found(line);
        },
        async "call.ice"({ candidate, from }) {
            if (!candidate) return;
            if (line?.remoteDescription && from === lineWith) await line.addIceCandidate(candidate).catch(() => {});
            else waiting.push(candidate);
        },
        "call.media"({ audio, video, screen }) {
            self.theirs = { audio, video, screen };
            changed();
        },
    };

    /** Somebody holds an end now: the other side, or another page of the same person. */
    function joined({ call }) {
        if (self.call?.id !== call.id) return;
        const mine = call[`${side}_peer`] === peer;
        // The other end took its place while it rings here.
        if (self.phase === "incoming" && call.state === "ringing") return void (self.call = call);
        if (inCall() && (mine || !call[`${side}_peer`] || self.call[`${side}_peer`] !== peer)) return take(call);
        if (!mine) quiet(); // answered in another tab, by a colleague, or carried on there
    }

    function finished({ call }) {
        if (self.call?.id !== call.id) return;
        if (self.phase === "incoming") return quiet();
        if (!inCall()) {
            self.call = call;
            return changed();
        }
        self.call = call;
        over(call.reason);
    }

    function incoming(call) {
        clearTimeout(closing);
        self.call = call;
        self.trouble = "";
        become("incoming");
        clearTimeout(ringing);
        ringing = setTimeout(() => self.phase === "incoming" && quiet(), Math.max(0, Date.parse(call.rings_until) - Date.now()) + 2_000);
    }

    async function heard(frame) {
        if (["call.end", "call.decline", "call.busy", "call.timeout"].includes(frame.type)) return finished(frame);
        if (frame.to && (frame.to !== peer || frame.call !== self.call?.id)) return;
        await told[frame.type]?.(frame);
    }

    /** The socket is there (again): hold the end of the call on it, or find out whether there is one after a reload. */
    async function connected() {
        if (self.call?.id && inCall()) return send({ type: "call.join", call: self.call.id, peer });
        if (self.phase === "incoming") return;
        const { calls, ice_servers: given } = await live().catch(() => ({ calls: [] }));
        if (self.phase !== "idle") return;
        const mine = calls.find((call) => call.id === memory.getItem(kept));
        if (mine) {
            servers = given;
            self.call = mine;
            become(mine.state === "active" ? "connecting" : "calling");
            await listen(mine.video);
            if (self.call?.id === mine.id) send({ type: "call.join", call: mine.id, peer });
            return;
        }
        memory.removeItem(kept);
        const rings = calls.find((call) => call.state === "ringing" && call.started_by !== side && ringsFor(call));
        if (rings) incoming(rings);
    }

    function refused({ re, code }) {
        if (!self.call || self.phase === "ended") return;
        // Somebody else answered, or it was over before.
        if (re === "call.accept" || code === "call_taken") quiet();
        else if (re === "call.join") over("lost");
    }

    return Object.assign(self, { start, accept, decline, end, dismiss: quiet, mute, look, share, choose, listDevices: devices, heard, connected, refused, inCall });
}

// A call as people see it: who it is, both pictures, and the buttons. The same on both ends; `call.css` fits it into
// the corner of the console or over the whole widget.

import { h, icon } from "../chat/dom.js";
import { fill, initials } from "../chat/format.js";
import { ring } from "./ring.js";

// A device and the name of its field among the words.
const KINDS = { microphone: "microphone", camera: "cameraDevice", speaker: "speaker" };

function clock(seconds) {
    const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
    return (parts[0] ? [parts[0], String(parts[1]).padStart(2, "0")] : [parts[1]]).concat(String(parts[2]).padStart(2, "0")).join(":");
}

/** Draw `call` (of call.js) into `root`. `who(call)` is the other end's name, `fallback` when nobody knows it. */
export function openCallView({ root, call, words, who }) {
    const theirs = h("video.call-theirs", { autoplay: true, playsinline: true });
    const sound = h("audio", { autoplay: true });
    const mine = h("video.call-mine", { autoplay: true, playsinline: true, "aria-label": words.yourPicture });
    theirs.muted = mine.muted = true;
    const face = h("span.call-face", { "aria-hidden": "true" });
    const name = h("h2.call-name", { tabindex: "-1" });
    const status = h("p.call-status", { role: "status" });
    const timer = h("p.call-timer", { role: "timer", hidden: true });
    const trouble = h("p.call-trouble", { role: "alert", hidden: true });
    const theirMute = h("p.call-muted", { hidden: true }, icon("call-mic-off"), h("span", {}, words.theyAreMuted));
    const stage = h("div.call-stage-inner", {}, theirs, sound, h("div.call-who", {}, face, name, status, timer), theirMute, mine);

    const button = (kind, label, act, sign) => h(`button.call-button.call-${kind}`, { type: "button", "aria-label": label, title: label, onclick: act }, icon(sign));
    const answer = h("button.call-wide.call-yes", { type: "button", onclick: () => call.accept({ video: false }) }, icon("call-phone"), h("span", {}, words.answer));
    const answerVideo = h("button.call-wide.call-yes", { type: "button", onclick: () => call.accept({ video: true }) }, icon("call-video"), h("span", {}, words.answerVideo));
    const decline = h("button.call-wide.call-no", { type: "button", onclick: () => call.decline() }, icon("call-off"), h("span", {}, words.decline));
    const microphone = button("toggle", words.mute, () => call.mute(), "call-mic");
    const camera = button("toggle", words.camera, () => call.look(), "call-video");
    const screen = button("toggle", words.share, () => call.share(), "call-screen");
    const more = h("button.call-button", { type: "button", "aria-label": words.devices, title: words.devices, "aria-expanded": "false", "aria-controls": "call-devices", onclick: () => settings(panel.hidden) }, icon("call-devices"));
    const size = h("button.call-button.call-size", { type: "button", "aria-label": words.large, title: words.large, "aria-pressed": "false", onclick: () => enlarge() }, icon("call-large"));
    const hangUp = button("end", words.hangUp, () => call.end(), "call-off");
    const dismiss = h("button.call-wide", { type: "button", onclick: () => call.dismiss() }, words.close);
    const panel = h("div.call-devices", { hidden: true, role: "group", id: "call-devices", "aria-label": words.devices });
    const bar = h("div.call-bar", { role: "toolbar", "aria-label": words.controls }, microphone, camera, screen, more, size, hangUp);
    const choice = h("div.call-choice", {}, decline, answer, answerVideo);
    const after = h("div.call-choice", {}, dismiss);
    const node = h("section.call-panel", { role: "dialog", "aria-label": words.call, hidden: true }, stage, trouble, panel, choice, bar, after);
    root.append(node);
    if (!navigator.mediaDevices?.getDisplayMedia) screen.hidden = true;

    let ticking = 0;
    let shown = "idle";
    let given = null;

    node.addEventListener("keydown", (event) => {
        // Keys belong to the call while the focus is in it, not to the page below.
        event.stopPropagation();
        if (event.key === "Escape" && !panel.hidden) settings(false);
    });

    function enlarge(on = !node.hasAttribute("data-large")) {
        node.toggleAttribute("data-large", on);
        size.setAttribute("aria-pressed", on);
        size.replaceChildren(icon(on ? "call-small" : "call-large"));
        const label = on ? words.small : words.large;
        size.setAttribute("aria-label", label);
        size.title = label;
    }

    async function settings(open) {
        panel.hidden = !open;
        more.setAttribute("aria-expanded", open);
        if (!open) return more.focus();
        const found = await call.listDevices();
        panel.replaceChildren(
            ...Object.keys(KINDS).filter((kind) => found[kind].all.length && (kind !== "speaker" || sound.setSinkId)).map((kind) => {
                const field = h("select.call-select", { onchange: ({ target }) => choose(kind, target.value) }, found[kind].all.map(({ id, label }, number) => h("option", { value: id, selected: id === found[kind].used }, label || `${words[KINDS[kind]]} ${number + 1}`)));
                return h("label.call-device", {}, h("span", {}, words[KINDS[kind]]), field);
            }),
        );
        panel.querySelector("select")?.focus();
    }

    async function choose(kind, id) {
        await call.choose(kind, id);
        if (kind === "speaker") await sound.setSinkId(id).catch(() => {});
    }

    function toggle(node, on, label, sign) {
        node.setAttribute("aria-pressed", on);
        node.setAttribute("aria-label", label);
        node.title = label;
        if (node.dataset.sign === sign) return;
        node.dataset.sign = sign;
        node.replaceChildren(icon(sign));
    }

    function attach(element, stream) {
        if (element.srcObject !== stream) element.srcObject = stream;
        if (stream && element.paused) element.play().catch(() => {});
    }

    function sentence() {
        const person = who(call.call);
        if (call.phase === "incoming") return call.call.video ? words.ringsVideo : words.rings;
        if (call.phase === "calling") return words.calling;
        if (call.phase === "connecting") return words.connecting;
        if (call.phase === "talking") return call.trouble === "line" ? words.reconnecting : "";
        return fill(words.reasons[call.call?.reason] ?? words.reasons.completed, { name: person });
    }

    function tick() {
        const since = Date.parse(call.call?.answered_at ?? "");
        timer.textContent = since ? clock(Math.max(0, Math.round((Date.now() - since) / 1000))) : "";
    }

    function draw() {
        const { phase } = call;
        node.hidden = phase === "idle";
        node.dataset.phase = phase;
        ring(phase === "incoming" ? "incoming" : phase === "calling" ? "calling" : "");
        if (phase === "idle") {
            clearInterval(ticking);
            attach(theirs, null);
            attach(sound, null);
            attach(mine, null);
            panel.hidden = true;
            enlarge(false);
            if (shown !== "idle") given?.focus?.();
            shown = phase;
            return;
        }
        if (shown === "idle") given = document.activeElement;
        const person = who(call.call);
        name.textContent = person;
        face.textContent = initials(person);
        const said = sentence();
        if (status.textContent !== said) status.textContent = said;
        const talking = phase === "talking";
        const live = talking || phase === "connecting";
        timer.hidden = !talking || call.trouble === "line";
        if (talking && shown !== "talking") {
            tick();
            ticking = setInterval(tick, 1000);
        } else if (!talking) clearInterval(ticking);

        const picture = live && call.theirs.video && call.remote.getVideoTracks().length > 0;
        node.toggleAttribute("data-picture", picture);
        node.toggleAttribute("data-screen", call.theirs.screen);
        attach(theirs, picture ? call.remote : null);
        attach(sound, live ? call.remote : null);
        const own = call.inCall() && (call.video || call.screen);
        mine.hidden = !own;
        mine.toggleAttribute("data-mirror", !call.screen);
        attach(mine, own ? call.local : null);
        theirMute.hidden = !(talking && !call.theirs.audio);

        choice.hidden = phase !== "incoming";
        answerVideo.hidden = !call.call?.video;
        bar.hidden = !call.inCall();
        after.hidden = phase !== "ended";
        toggle(microphone, call.audio, call.audio ? words.mute : words.unmute, call.audio ? "call-mic" : "call-mic-off");
        toggle(camera, call.video, call.video ? words.cameraOff : words.camera, call.video ? "call-video" : "call-video-off");
        toggle(screen, call.screen, call.screen ? words.shareOff : words.share, call.screen ? "call-screen-off" : "call-screen");
        const problem = { microphone: words.noMicrophone, camera: words.noCamera, line: "" }[call.trouble] ?? call.trouble;
        trouble.textContent = problem;
        trouble.hidden = !problem;
        if (shown !== phase) {
            if (phase === "incoming") (answerVideo.hidden ? answer : answerVideo).focus();
            else if (phase === "calling") hangUp.focus();
            else if (phase === "ended") dismiss.focus();
            else if (shown === "incoming") microphone.focus();
        }
        shown = phase;
    }

    draw();
    return { draw, node, close: () => (ring(""), clearInterval(ticking), node.remove()) };
}

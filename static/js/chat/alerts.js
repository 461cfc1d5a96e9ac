// Telling the agent: the number in the tab's title, a sound, a browser notification, and web push for a closed tab.

import { on, request } from "../lib/dom.js";
import { toast } from "../lib/toast.js";
import { fill, inWords, personName } from "./format.js";
import { preference, setPreference } from "./preferences.js";

/** Two soft tones, made here: no file, no licence, nothing to load. */
function chime() {
    const sound = new AudioContext();
    const volume = sound.createGain();
    volume.connect(sound.destination);
    volume.gain.value = 0.0001;
    [
        [660, 0],
        [880, 0.12],
    ].forEach(([pitch, at]) => {
        const tone = sound.createOscillator();
        tone.type = "sine";
        tone.frequency.value = pitch;
        tone.connect(volume);
        tone.start(sound.currentTime + at);
        tone.stop(sound.currentTime + at + 0.28);
    });
    volume.gain.exponentialRampToValueAtTime(0.12, sound.currentTime + 0.02);
    volume.gain.exponentialRampToValueAtTime(0.0001, sound.currentTime + 0.5);
    setTimeout(() => sound.close(), 900);
}

const fromBase64 = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (sign) => sign.charCodeAt(0));

export function openAlerts({ app, retitle }) {
    const { words, me, root } = app;
    const panel = document.getElementById("chat-alerts");
    let missed = 0;
    let chimedAt = 0;

    const away = () => document.visibilityState !== "visible" || !document.hasFocus();

    function whose(conversation) {
        const row = root.querySelector(`[data-row][data-conversation="${CSS.escape(conversation)}"]`);
        return row?.dataset.assignee ?? null;
    }

    /** A visitor wrote. What is mine or nobody's concerns me; a colleague's does not. */
    function heard({ conversation, event, data }) {
        if (event !== "message.created" || data?.direction !== "in") return;
        const assignee = whose(conversation);
        const open = conversation === app.thread?.conversation;
        if (assignee && assignee !== me.id && !open) return;
        if (!open) app.announce(fill(words.arrived, { name: personName(data.author, words) }));
        if (!away() && open) return;
        if (away()) {
            missed += 1;
            retitle();
        }
        ring();
        notify(personName(data.author, words), inWords(data, words), conversation);
    }

    /** What the server tells this person alone: a mention, an assignment. */
    function told({ data }) {
        // A visitor's message rings by itself; a cleared number carries nothing.
        if (!data || data.kind === "message") return;
        const about = data.conversation;
        const url = about && `/chat/c/${about.number}`;
        const said = [fill(words.why[data.kind] ?? "", { name: data.author?.name ?? words.automation, contact: about?.contact.name ?? "" }), data.text].filter(Boolean).join(" ");
        ring();
        if (away()) notify(about?.contact.name || words.title, said, about?.id, url);
        else if (about?.id !== app.thread?.conversation) toast(said, { tone: "info", undo: url ? { label: words.openIt, act: () => app.open(url) } : null });
    }

    function ring() {
        if (!preference("sound") || Date.now() - chimedAt < 2_000 || !navigator.userActivation?.hasBeenActive) return;
        chimedAt = Date.now();
        chime();
    }

    function notify(title, body, conversation, url) {
        if (!away() || !("Notification" in window) || Notification.permission !== "granted" || !preference("notify")) return;
        const shown = new Notification(title, { body: preference("notify-text") ? body.slice(0, 140) : words.newMessage, tag: conversation ?? "chat", icon: document.querySelector('link[rel="icon"]')?.href });
        shown.onclick = () => {
            window.focus();
            const row = conversation && root.querySelector(`[data-row][data-conversation="${CSS.escape(conversation)}"] a`);
            if (row || url) app.open(row?.href ?? url);
            shown.close();
        };
    }

    // --- The panel ----------------------------------------------------------------------------------

    const state = panel?.querySelector("[data-alert-state]");

    async function subscription() {
        const worker = await navigator.serviceWorker?.getRegistration("/chat/");
        return worker?.pushManager.getSubscription() ?? null;
    }

    async function showState() {
        if (!panel) return;
        const granted = "Notification" in window ? Notification.permission : "unsupported";
        state.textContent = words.notifications[granted] ?? "";
        panel.querySelector("[data-alert-ask]").hidden = granted !== "default";
        const push = panel.querySelector("[data-push]");
        if (push) push.checked = Boolean(await subscription().catch(() => null));
    }

    async function ask() {
        await Notification.requestPermission();
        setPreference("notify", true);
        showState();
    }

    async function togglePush(box) {
        try {
            const known = await subscription();
            if (!box.checked) {
                if (!known) return;
                const id = localStorage.getItem("chat:push-id");
                if (id) await request(`/api/v1/chat/push/${id}/`, { method: "DELETE" }).catch(() => null);
                localStorage.removeItem("chat:push-id");
                await known.unsubscribe();
                return;
            }
            if ((await Notification.requestPermission()) !== "granted") throw new Error(words.notifications.denied);
            const { public_key: key } = await request("/api/v1/chat/push/");
            await navigator.serviceWorker.register("/chat/push.js", { scope: "/chat/" });
            const worker = await navigator.serviceWorker.ready;
            const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: fromBase64(key) });
            const { endpoint, keys } = made.toJSON();
            const { id } = await request("/api/v1/chat/push/", { method: "POST", body: { endpoint, keys } });
            localStorage.setItem("chat:push-id", id);
            toast(words.pushOn, { tone: "success" });
        } catch (error) {
            box.checked = false;
            toast(error.problem?.detail || error.message || words.actionFailed, { tone: "error" });
        } finally {
            showState();
        }
    }

    const onVisible = () => {
        if (away()) return;
        missed = 0;
        retitle();
    };
    document.addEventListener("visibilitychange", onVisible);
    addEventListener("focus", onVisible);
    const stops = panel
        ? [on(panel, "click", "[data-alert-ask]", ask), on(panel, "change", "[data-push]", (event, box) => togglePush(box)), on(panel, "click", "[data-alert-test]", chime)]
        : [];
    panel?.addEventListener("dialog:open", showState);

    return {
        heard,
        told,
        badge: () => (missed ? `(${missed})` : ""),
        close() {
            document.removeEventListener("visibilitychange", onVisible);
            removeEventListener("focus", onVisible);
            for (const stop of stops) stop();
        },
    };
}

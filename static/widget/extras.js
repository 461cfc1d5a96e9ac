// What the menu offers, ratings, the window of its own, and the preview of the settings page: fetched on demand.

import { fill } from "../js/chat/format.js";

export function createExtras({ boot, api, model, storage, view, tell, happened, theme, draw, sounds, embedded, standing, calls, show: showScreen }) {
    function menu() {
        const talk = model.conversations.get(standing().current);
        const text = boot.texts;
        const loud = sounds();
        const items = [{ icon: loud ? "sound" : "muted", label: text.sound, pressed: loud, run: () => storage.set("sound", loud ? "off" : "on") }];
        if (embedded && !matchMedia("(pointer: coarse)").matches) items.push({ icon: "popout", label: text.popout, run: popOut });
        // A call needs the socket, and a page that may use the microphone.
        if (talk && boot.features.video && standing().callable && navigator.mediaDevices && window.RTCPeerConnection) {
            const start = (video) => calls().then((call) => call.start(talk.id, { video }));
            items.push({ icon: "phone", label: text.startCall, run: () => start(false) }, { icon: "video", label: text.startVideo, run: () => start(true) });
        }
        if (talk && boot.transcript) items.push({ icon: "mail", label: text.transcript, run: () => view.ask({ question: text.transcriptAsk, yes: text.transcriptSend, field: { label: text.yourEmail, value: standing().known.email }, run: transcript }) });
        if (talk && talk.status !== "resolved") items.push({ icon: "end", label: text.end, run: () => view.ask({ question: text.endAsk, yes: text.end, run: end }) });
        return items;
    }

    function end() {
        api.end(standing().current).catch((error) => view.say(error.reason || boot.texts.didNotWork));
    }

    function transcript(email) {
        api.transcript(standing().current, email).then(
            () => view.say(fill(boot.texts.transcriptSent, { email }), true),
            (error) => view.say(error.reason || boot.texts.didNotWork),
        );
    }

    function rate(item, rating, comment) {
        api.rate(standing().current, { rating, ...(comment ? { comment } : {}) }).then(
            () => {
                model.put(standing().current, { id: item.id, meta: { ...item.meta, rating, comment } });
                happened("csat", { conversation: standing().current, rating });
                draw();
            },
            (error) => view.say(error.reason || boot.texts.didNotWork),
        );
    }

    /** The conversation in a window of its own; it gets this visitor's keys from here, since it may not see our storage. */
    function popOut() {
        const query = new URLSearchParams({ inbox: boot.inbox, locale: boot.locale, theme: document.documentElement.dataset.theme ?? "", popout: "1" });
        const opened = window.open(`${location.pathname}?${query}`, `chat-${boot.inbox}`, "popup,width=420,height=720");
        if (!opened) return view.say(boot.texts.didNotWork);
        const hand = ({ data, source, origin }) => {
            if (source !== opened || origin !== location.origin || data?.type !== "popout") return;
            removeEventListener("message", hand);
            opened.postMessage({ type: "keys", keys: { ...storage.keys(), visitor: storage.visitor() } }, location.origin);
        };
        addEventListener("message", hand);
        tell("close");
    }

    let everybody = null;

    function preview({ words = {}, show, look }) {
        if (words.features) words.features = { ...boot.features, ...words.features };
        Object.assign(boot, words);
        view.composer.features();
        if (look) {
            theme(look.theme);
            everybody ??= boot.team;
            boot.team = look.team ? everybody : [];
        }
        boot.showAsked = show === "asked";
        if (show) showScreen(show === "home" ? "home" : "thread");
        draw();
    }

    return { menu, rate, preview };
}

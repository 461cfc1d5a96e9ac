// Emoji: a small picker with the ones people use at a counter, those used last in front.

import { h } from "./dom.js";

const KEPT = "chat:emoji";
const GROUPS = [
    "😀 😄 😁 😊 🙂 😉 😍 🥰 😘 😋 😎 🤩 🥳 😅 😂 🤣 🙃 😌 🤔 🤨 😐 😕 🙁 😢 😭 😳 😱 😴 🤒 🤯 😇 🫠",
    "👍 👎 👌 🙏 👏 🙌 🤝 💪 👋 ✌️ 🤞 👉 👈 👆 👇 ☝️ ✋ 🫶 ❤️ 🧡 💛 💚 💙 💜 🖤 💔 ✨ 🔥 🎉 🎁 🎂 ⭐",
    "🍞 🥐 🥖 🧁 🍰 🍪 ☕ 🍕 🍔 🍎 🍇 🥗 📚 📦 🚚 🛒 💳 💰 🧾 🏷️ 📞 📱 💻 🖨️ 📷 🔑 🔒 🔔 📅 ⏰ 📍 🏠",
    "✅ ❌ ⚠️ ❓ ❗ ➕ ➖ ➡️ ⬅️ ⬆️ ⬇️ 🔄 🆗 🆕 🔴 🟡 🟢 🔵 ⚪ ⚫ ☀️ 🌙 🌧️ 🌈 🌱 🌹 🐶 🐱 🚗 ✈️ ⚽ 🎵",
].map((line) => line.split(" "));

function recent() {
    try {
        return JSON.parse(localStorage.getItem(KEPT)) ?? [];
    } catch {
        return [];
    }
}

/** Fill `popover` when it is opened for the first time; `choose(text)` gets what was picked. */
export function openEmoji({ popover, choose, words }) {
    function pick(sign) {
        localStorage.setItem(KEPT, JSON.stringify([sign, ...recent().filter((one) => one !== sign)].slice(0, 16)));
        popover.hidePopover();
        choose(sign);
    }

    function draw() {
        const shown = recent().length ? [recent(), ...GROUPS] : GROUPS;
        popover.replaceChildren(
            ...shown.map((group, row) =>
                h("div.chat-emoji-group", { role: "group", "aria-label": row === 0 && recent().length ? words.emojiRecent : words.emojiGroup }, ...group.map((sign) => h("button", { type: "button", tabindex: -1, onclick: () => pick(sign) }, sign))),
            ),
        );
        const first = popover.querySelector("button");
        first.tabIndex = 0;
        first.focus({ preventScroll: true });
    }

    // Arrows move by one and by the eight of a row; Tab leaves.
    function onKey(event) {
        const all = [...popover.querySelectorAll("button")];
        const at = all.indexOf(document.activeElement);
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 8, ArrowUp: -8 }[event.key];
        if (!step || at < 0) return;
        event.preventDefault();
        const next = all[Math.max(0, Math.min(all.length - 1, at + step))];
        all[at].tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
    }

    popover.addEventListener("toggle", (event) => event.newState === "open" && draw());
    popover.addEventListener("keydown", onKey);
}

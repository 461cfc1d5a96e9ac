// A small picker with a list of our own: the ones people use when they talk to a shop.

import { h } from "../js/chat/dom.js";

const LIST = "😀 😄 😁 😂 🙂 😉 😊 😍 😘 😎 🤩 🥳 🤔 🤗 😅 😌 😴 😕 🙁 😢 😭 😡 😱 🤯 🤒 🥺 😇 🤝 👍 👎 👌 👏 🙏 💪 👋 ✌️ 🤞 👀 ❤️ 🧡 💛 💚 💙 💜 💔 💯 ✨ 🎉 🎁 🎂 🔥 ⭐ ☀️ 🌧️ 🌈 🌸 🌻 🐶 🐱 🍞 🥐 🍰 🍕 🍎 🍺 ☕ 🍷 🏠 🚗 🚚 ✈️ 📦 🛒 💳 💰 📱 💻 📷 📚 📞 ✉️ 📌 📎 🗓️ ⏰ ✅ ❌ ⚠️ ❓ ❗";
const ACROSS = 8;

export function open({ lane, text, pick, shut }) {
    const buttons = LIST.split(" ").map((one, at) =>
        h("button.glyph", { type: "button", tabindex: at ? "-1" : "0", onclick: () => {
            pick(one);
            shut();
        } }, one),
    );
    const grid = h("div.glyphs", { role: "group", "aria-label": text.emoji, onkeydown: (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: ACROSS, ArrowUp: -ACROSS }[event.key];
        if (!step) return;
        event.preventDefault();
        const next = buttons[buttons.indexOf(document.activeElement) + step];
        if (!next) return;
        document.activeElement.tabIndex = -1;
        next.tabIndex = 0;
        next.focus();
    } }, buttons);
    lane.replaceChildren(grid);
    requestAnimationFrame(() => buttons[0].focus());
    return {};
}

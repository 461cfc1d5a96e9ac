// An estimate of a password's strength while it is typed. The server judges again, with lists of common passwords.

const LEVELS = ["short", "weak", "fair", "good", "strong"];
const RUNS = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

const COMMON = ["senha", "password", "acesso", "mudar", "admin", "brasil", "qwerty", "flamengo", "corinthians"];

// Words somebody who guesses knows too: the person, the company, what everybody takes. They count as one letter, as years do.
function known() {
    const said = [...document.querySelectorAll(".auth-brand, .topbar-mark, [data-me-name]")].map((one) => one.textContent);
    const typed = [...document.querySelectorAll("[name$=email], [name$=name]")].map((one) => one.value);
    const words = [...said, ...typed].join(" ").toLowerCase().split(/[^\p{L}\p{N}]+/u);
    return [...COMMON, ...words].filter((word) => word.length > 2).sort((one, other) => other.length - one.length);
}

function without(text, words) {
    let small = text.replace(/(19|20)\d\d/g, "2");
    for (const word of words) small = small.replaceAll(new RegExp(word, "giu"), "a");
    return small;
}

function pool(text) {
    return (
        (/[a-z]/.test(text) ? 26 : 0) +
        (/[A-Z]/.test(text) ? 26 : 0) +
        (/\d/.test(text) ? 10 : 0) +
        (/[^A-Za-z0-9]/.test(text) ? 20 : 0)
    );
}

// Letters that only go on from the one before them (abc, 321, aaa, qwe) count a quarter.
function weight(text) {
    const small = text.toLowerCase();
    let sum = 0;
    for (let i = 0; i < small.length; i += 1) {
        const pair = small.slice(i - 1, i + 1);
        const back = [...pair].reverse().join("");
        const goesOn = i > 0 && (pair[0] === pair[1] || RUNS.some((run) => run.includes(pair) || run.includes(back)));
        sum += goesOn ? 0.25 : 1;
    }
    // What is said twice is said once.
    return sum * Math.min(1, (new Set(small).size + 4) / (small.length || 1) + 0.35);
}

export function level(text, least = 10, words = []) {
    if (text.length < least) return 0;
    const rest = without(text, words);
    const bits = weight(rest) * Math.log2(pool(rest) || 2);
    if (bits < 38) return 1;
    if (bits < 50) return 2;
    return bits < 68 ? 3 : 4;
}

export function start(input) {
    const bar = document.createElement("progress");
    bar.className = "strength";
    bar.max = 4;
    bar.setAttribute("aria-hidden", "true");
    const words = document.createElement("p");
    words.className = "field-help";
    words.setAttribute("aria-live", "polite");
    const box = document.createElement("div");
    box.className = "strength-box";
    box.hidden = true;
    box.append(bar, words);
    (input.closest(".inset") || input).after(box);

    function show() {
        const found = level(input.value, input.minLength > 0 ? input.minLength : 10, known());
        box.hidden = !input.value;
        box.dataset.level = LEVELS[found];
        bar.value = found || 0.4;
        words.textContent = input.dataset[LEVELS[found]];
    }

    input.addEventListener("input", show);
    show();
    return () => box.remove();
}

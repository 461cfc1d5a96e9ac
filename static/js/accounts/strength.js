// An estimate of a password's strength while it is typed. The server judges again, with lists of common passwords.

const LEVELS = ["short", "weak", "fair", "good", "strong"];
const RUNS = ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm"];

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

export function level(text, least = 10) {
    if (text.length < least) return 0;
    const bits = weight(text) * Math.log2(pool(text) || 2);
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
        const found = level(input.value, input.minLength > 0 ? input.minLength : 10);
        box.hidden = !input.value;
        box.dataset.level = LEVELS[found];
        bar.value = found || 0.4;
        words.textContent = input.dataset[LEVELS[found]];
    }

    input.addEventListener("input", show);
    show();
    return () => box.remove();
}

// Paints the preview with what stands in the form. The server answers the exact shades, so what is
// seen here is what saving makes.

import { cookie, debounce } from "../lib/dom.js";

export function start(root) {
    const form = root.querySelector("form");
    const samples = root.querySelectorAll("[data-sample]");
    const contrast = root.querySelector("[data-contrast]");
    const cssError = root.querySelector("[data-css-error]");
    const custom = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, custom];
    let asked = 0;

    async function ask() {
        const number = ++asked;
        const body = new FormData();
        for (const name of ["primary_color", "secondary_color", "custom_css"]) body.set(name, form.elements[name].value);
        let answer;
        try {
            const response = await fetch(root.dataset.previewUrl, {
                method: "POST",
                credentials: "same-origin",
                headers: { Accept: "application/json", "X-CSRFToken": cookie("csrftoken") },
                body,
            });
            if (!response.ok) return;
            answer = await response.json();
        } catch {
            return; // offline: the preview stays as it is, saving still works later
        }
        if (number === asked) paint(answer);
    }

    function paint({ shades, css, repaired, errors }) {
        cssError.hidden = !errors.custom_css;
        cssError.textContent = errors.custom_css || "";
        if (!shades) return;
        for (const sample of samples) {
            for (const [name, value] of Object.entries(shades)) sample.style.setProperty(name, value);
        }
        contrast.textContent = repaired.light || repaired.dark ? contrast.dataset.repaired : contrast.dataset.good;
        custom.replaceSync(`@layer brand {\n${css}\n}`);
    }

    function rename() {
        const name = form.elements.display_name.value.trim();
        if (!name) return;
        for (const sample of samples) sample.querySelector("[data-sample-name]").textContent = name;
    }

    function show(event) {
        if (event.target.name !== "logo" || !event.target.files[0]?.type.startsWith("image/")) return;
        const address = URL.createObjectURL(event.target.files[0]);
        for (const sample of samples) {
            const picture = new Image();
            picture.alt = "";
            picture.src = address;
            sample.querySelector(".mark").replaceChildren(picture);
        }
    }

    const later = debounce(ask, 150);
    const heard = (event) => {
        if (event.target.name === "display_name") rename();
        else if (["primary_color", "secondary_color", "custom_css"].includes(event.target.name)) later();
    };
    form.addEventListener("input", heard);
    form.addEventListener("change", show);
    return () => {
        document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => sheet !== custom);
    };
}

// Shows the address a customer will have while its name is typed, and whether it is free.

import { debounce, request } from "../lib/dom.js";

export function start(root) {
    const name = root.querySelector("[data-name]");
    const slug = root.querySelector("[data-slug]");
    const preview = root.querySelector("[data-preview]");
    const hint = preview.textContent;
    let asked = 0;

    const check = debounce(async () => {
        const number = ++asked;
        const query = new URLSearchParams({ name: name.value, slug: slug.value });
        let answer;
        try {
            answer = await request(`${root.dataset.check}?${query}`);
        } catch {
            return; // the form is checked again when it is sent
        }
        if (number !== asked) return;
        preview.dataset.state = answer.state;
        preview.textContent = answer.message || hint;
        slug.placeholder = slug.value ? "" : answer.slug;
    }, 250);

    name.addEventListener("input", check);
    slug.addEventListener("input", check);
    if (name.value || slug.value) check();
}

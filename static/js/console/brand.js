// Paints the preview with what is in the form, before it is saved.

export function start(root) {
    const previews = root.querySelectorAll("[data-brand-preview]");
    const field = (name) => root.querySelector(`[name="${name}"]`);

    function paint() {
        for (const preview of previews) {
            preview.style.setProperty("--brand-primary", field("primary_color").value);
            // The server's exact answers are for the saved colour; the tokens guess for the one being chosen.
            for (const name of ["--on-brand", "--brand-primary-dark", "--on-brand-dark", "--brand-text-light", "--brand-text-dark"]) {
                preview.style.setProperty(name, "initial");
            }
            const name = field("display_name").value.trim();
            if (name) preview.querySelector("[data-brand-name]").textContent = name;
        }
    }

    field("primary_color").addEventListener("input", paint);
    field("display_name").addEventListener("input", paint);
    return () => {};
}

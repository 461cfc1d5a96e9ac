// Charts by keyboard: one stop for the whole chart, arrows, Home and End go from figure to figure.

document.addEventListener("keydown", (event) => {
    const figure = event.target.closest?.("[data-chart] > [tabindex]");
    if (!figure) return;
    const figures = [...figure.parentElement.querySelectorAll(":scope > [tabindex]")];
    const at = figures.indexOf(figure);
    const next = {
        ArrowRight: figures[Math.min(at + 1, figures.length - 1)],
        ArrowLeft: figures[Math.max(at - 1, 0)],
        Home: figures[0],
        End: figures.at(-1),
    }[event.key];
    if (!next) return;
    event.preventDefault();
    figure.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus();
});

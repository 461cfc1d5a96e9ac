// My picture: shows what was chosen in a round frame, to be moved and made larger, and says which square is meant.

const FRAME = 224;

export function start(form) {
    const box = form.querySelector("[data-cropper]");
    const frame = box.querySelector("[data-frame]");
    const shown = box.querySelector("[data-shown]");
    const zoom = box.querySelector("[data-zoom]");
    const file = form.elements.picture;
    let place = { x: 0, y: 0 };
    let address = "";

    const scale = () => (FRAME / Math.min(shown.naturalWidth, shown.naturalHeight)) * Number(zoom.value);

    function draw() {
        if (!shown.naturalWidth) return;
        const size = scale();
        const [width, height] = [shown.naturalWidth * size, shown.naturalHeight * size];
        place = { x: Math.min(0, Math.max(FRAME - width, place.x)), y: Math.min(0, Math.max(FRAME - height, place.y)) };
        shown.style.inlineSize = `${width}px`;
        shown.style.transform = `translate(${place.x}px, ${place.y}px)`;
        form.elements.left.value = (-place.x / width).toFixed(4);
        form.elements.top.value = (-place.y / height).toFixed(4);
        form.elements.side.value = (1 / Number(zoom.value)).toFixed(4);
    }

    function centre() {
        const size = scale();
        place = { x: (FRAME - shown.naturalWidth * size) / 2, y: (FRAME - shown.naturalHeight * size) / 2 };
        draw();
    }

    function choose() {
        if (address) URL.revokeObjectURL(address);
        const chosen = file.files[0];
        box.hidden = !chosen?.type.startsWith("image/");
        if (box.hidden) return;
        address = URL.createObjectURL(chosen);
        zoom.value = 1;
        shown.src = address;
    }

    function magnify() {
        // What stands in the middle stays there.
        const before = shown.getBoundingClientRect().width;
        const grown = (shown.naturalWidth * scale()) / before;
        place = { x: FRAME / 2 - (FRAME / 2 - place.x) * grown, y: FRAME / 2 - (FRAME / 2 - place.y) * grown };
        draw();
    }

    function drag(event) {
        if (!(event.buttons & 1)) return;
        place = { x: place.x + event.movementX, y: place.y + event.movementY };
        draw();
    }

    function nudge(event) {
        const steps = { ArrowLeft: [-8, 0], ArrowRight: [8, 0], ArrowUp: [0, -8], ArrowDown: [0, 8] }[event.key];
        if (!steps) return;
        event.preventDefault();
        place = { x: place.x + steps[0], y: place.y + steps[1] };
        draw();
    }

    file.addEventListener("change", choose);
    shown.addEventListener("load", centre);
    zoom.addEventListener("input", magnify);
    frame.addEventListener("pointerdown", (event) => frame.setPointerCapture(event.pointerId));
    frame.addEventListener("pointermove", drag);
    frame.addEventListener("keydown", nudge);
    return () => address && URL.revokeObjectURL(address);
}

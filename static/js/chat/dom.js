// Making elements without a template language: h("button.send", {type: "button", onclick}, "Send").

/** An element; `selector` is a tag with classes, properties starting with `on` are listeners, the rest attributes. */
export function h(selector, properties = {}, ...children) {
    const [tag, ...classes] = selector.split(".");
    const node = document.createElement(tag);
    if (classes.length) node.className = classes.join(" ");
    for (const [name, value] of Object.entries(properties ?? {})) {
        if (value === null || value === undefined) continue;
        if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
        else if (/^(data|aria)-/.test(name)) node.setAttribute(name, value);
        else if (value !== false) node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
    return node;
}

/** A copy of an icon the page carries in `<template data-icon="name">`. */
export function icon(name) {
    const source = document.querySelector(`template[data-icon="${name}"]`);
    return source ? source.content.firstElementChild.cloneNode(true) : "";
}

/** Put `nodes` into `parent` in this order, moving and removing as little as possible: focus and scroll stay. */
export function arrange(parent, nodes) {
    const wanted = new Set(nodes);
    for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
    let place = parent.firstElementChild;
    for (const node of nodes) {
        if (node === place) place = place.nextElementSibling;
        else parent.insertBefore(node, place);
    }
}

/** A text field as tall as its text, up to `limit` pixels. */
export function grow(field, limit = 160) {
    field.style.blockSize = "auto";
    field.style.blockSize = `${Math.min(field.scrollHeight, limit)}px`;
    field.style.overflowY = field.scrollHeight > limit ? "auto" : "hidden";
}

// Small words for the page.

export function on(root, type, selector, act) {
    // Delegation: act(event, element) when the event happened inside `selector` below root.
    const heard = (event) => {
        const element = event.target.closest?.(selector);
        if (element && root.contains(element)) act(event, element);
    };
    root.addEventListener(type, heard);
    return () => root.removeEventListener(type, heard);
}

// element("button", { class: "button", type: "button", "data-id": 3 }, "Save", icon)
export function element(name, attributes = {}, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
        if (value === false || value === null || value === undefined) continue;
        made.setAttribute(key, value === true ? "" : value);
    }
    made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
    return made;
}

export function cookie(name) {
    const found = document.cookie.split("; ").find((pair) => pair.startsWith(`${name}=`));
    return found ? decodeURIComponent(found.slice(name.length + 1)) : "";
}

export function remember(name, value) {
    const secure = location.protocol === "https:" ? "; secure" : "";
    const age = value ? 31536000 : 0;
    document.cookie = `${name}=${encodeURIComponent(value)}; path=/; max-age=${age}; samesite=lax${secure}`;
}

// fetch with the CSRF token and JSON both ways; throws the server's problem on failure.
export async function request(url, { method = "GET", body, signal, headers = {} } = {}) {
    const response = await fetch(url, {
        method,
        signal,
        credentials: "same-origin",
        headers: {
            Accept: "application/json",
            "X-CSRFToken": cookie("csrftoken"),
            ...(body === undefined ? {} : { "Content-Type": "application/json" }),
            ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
    });
    const json = (response.headers.get("Content-Type") || "").includes("json");
    const answer = json ? await response.json() : null;
    if (!response.ok) {
        throw Object.assign(new Error(answer?.detail || response.statusText), { status: response.status, problem: answer });
    }
    return answer;
}

export function debounce(act, wait) {
    let timer;
    return (...values) => {
        clearTimeout(timer);
        timer = setTimeout(() => act(...values), wait);
    };
}

// Lower case without accents, for finding "João" by "joao".
export function plain(text) {
    return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
}

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

// True where a single key must stay a letter.
export function isTyping(target) {
    return Boolean(target?.closest?.("input, textarea, select, [contenteditable]"));
}

// Passkeys: asks the browser's keys, puts the answer into the form and sends it.
//
// data-ask="create" makes a key, "get" shows one. The question stands in the form as JSON, or is fetched from
// data-question-url when the button is pressed. What the browser refuses is said under the button.

const decode = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (letter) => letter.charCodeAt(0));
const encode = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer)))
        .replace(/\+/g, "-")
        .replace(/\//g, "_")
        .replace(/=+$/, "");

function read({ publicKey }) {
    const question = { ...publicKey, challenge: decode(publicKey.challenge) };
    if (question.user) question.user = { ...question.user, id: decode(question.user.id) };
    for (const list of ["excludeCredentials", "allowCredentials"]) {
        if (question[list]) question[list] = question[list].map((one) => ({ ...one, id: decode(one.id) }));
    }
    return question;
}

function written(credential) {
    const { response } = credential;
    const answer = {
        id: credential.id,
        rawId: encode(credential.rawId),
        type: credential.type,
        clientExtensionResults: credential.getClientExtensionResults(),
        response: { clientDataJSON: encode(response.clientDataJSON) },
    };
    for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
        if (response[part]) answer.response[part] = encode(response[part]);
    }
    return JSON.stringify(answer);
}

async function questionOf(form) {
    const { questionUrl } = form.dataset;
    if (!questionUrl) return JSON.parse(form.querySelector('script[type="application/json"]').textContent);
    const response = await fetch(questionUrl, { credentials: "same-origin", headers: { Accept: "application/json" } });
    if (!response.ok) throw new Error(response.statusText);
    return (await response.json()).question;
}

export function start(form) {
    const problem = form.querySelector("[data-problem]");
    const button = form.querySelector('button[type="submit"]');

    function say(words) {
        problem.textContent = words;
        problem.hidden = !words;
    }

    if (!window.PublicKeyCredential) {
        // An old browser, or a page without https: the other ways stay.
        if (form.dataset.questionUrl) form.hidden = true;
        button.disabled = true;
        say(form.dataset.questionUrl ? "" : problem.dataset.unknown);
        return undefined;
    }

    async function answer(event) {
        event.preventDefault();
        if (!form.reportValidity()) return;
        say("");
        button.setAttribute("aria-busy", "true");
        try {
            const publicKey = read(await questionOf(form));
            const credential = await navigator.credentials[form.dataset.ask]({ publicKey });
            form.elements.answer.value = written(credential);
            // The same wish stands in the form of the code, where both ways are offered.
            if (form.elements.trust) form.elements.trust.checked = Boolean(document.querySelector("[name=trust]:checked"));
        } catch {
            button.removeAttribute("aria-busy");
            say(problem.dataset.stopped);
            return;
        }
        form.submit();
    }

    form.addEventListener("submit", answer);
    form.dataset.ready = "";
    return () => form.removeEventListener("submit", answer);
}

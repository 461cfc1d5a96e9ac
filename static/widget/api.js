// The widget's side of the REST API: errors become {permanent, reason, retryAfter} as the outbox wants them.

const PATIENCE_MS = 15_000;
const LONG_POLL_S = 25;

export class Refused extends Error {
    constructor(status, problem, retryAfter) {
        super(problem?.detail || problem?.title || `HTTP ${status}`);
        this.status = status;
        this.code = problem?.code ?? "";
        this.reason = problem?.errors?.[0]?.detail || problem?.detail || "";
        this.fields = Object.fromEntries((problem?.errors ?? []).map((one) => [one.field, one.detail]));
        this.retryAfter = retryAfter;
        // What the server will refuse again tomorrow; everything else is worth another try.
        this.permanent = status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);
    }
}

export function createApi({ base, inbox, storage, identity }) {
    let token = storage.get("token");
    let renewing = null;
    let asked = "";

    async function call(method, path, body, { headers = {}, patience = PATIENCE_MS } = {}) {
        const response = await fetch(base + path, {
            method,
            // The token is the only proof of who this is: no cookie, on any site.
            credentials: "omit",
            headers: { "X-Widget-Token": inbox, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
            body: body ? JSON.stringify(body) : undefined,
            signal: AbortSignal.timeout ? AbortSignal.timeout(patience) : undefined,
        });
        const answer = response.status === 204 ? null : await response.json().catch(() => null);
        if (response.ok) return answer;
        throw new Refused(response.status, answer, Number(response.headers.get("Retry-After")) || undefined);
    }

    /** Open (or renew) the visitor's session. The visitor's id is made here once and stays on this device. */
    function session() {
        const wish = { visitor_id: storage.visitor(), ...identity() };
        const said = JSON.stringify(wish);
        if (renewing && asked === said) return renewing;
        asked = said;
        // Named as somebody else while a question is on its way: asked once more, and that answer is the last.
        const mine = Promise.resolve(renewing)
            .catch(() => {})
            .then(() => call("POST", "session/", wish))
            .then((answer) => {
                token = answer.jwt;
                storage.set("token", token);
                return answer;
            })
            .finally(() => {
                if (renewing === mine) renewing = null;
            });
        renewing = mine;
        return mine;
    }

    async function authorised(method, path, body, options = {}) {
        if (!token) await session();
        const proof = () => ({ ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
        try {
            return await call(method, path, body, proof());
        } catch (error) {
            if (error.status !== 401) throw error;
            await session();
            return call(method, path, body, proof());
        }
    }

    return {
        session,
        async token({ fresh } = {}) {
            if (fresh || !token) await session();
            return token;
        },
        /** Another tab renewed the session. */
        learn(known) {
            token = known;
        },
        forget() {
            token = null;
        },
        start: (body) => authorised("POST", "conversations/", body),
        leave: (body) => authorised("POST", "left/", body),
        post: (id, body) => authorised("POST", `conversations/${id}/messages/`, body),
        events: (id, after) => authorised("GET", `conversations/${id}/events/?after=${after}`),
        /** Answered when something happens, or after the longest wait. */
        wait: (id, after) => authorised("GET", `conversations/${id}/events/?after=${after}&wait=${LONG_POLL_S}`, null, { patience: (LONG_POLL_S + 15) * 1000 }),
        read: (id, seq) => authorised("POST", `conversations/${id}/read/`, { seq }),
        end: (id) => authorised("POST", `conversations/${id}/end/`, {}),
        rate: (id, body) => authorised("POST", `conversations/${id}/csat/`, body),
        transcript: (id, email) => authorised("POST", `conversations/${id}/transcript/`, { email }),
        contact: (body) => authorised("PATCH", "contact/", body),
        page: (body) => authorised("POST", "page/", body),
        articles: (text, locale) => call("GET", `articles/?q=${encodeURIComponent(text)}&locale=${locale}`),
        article: (id) => call("GET", `articles/${encodeURIComponent(id)}/`),
        ask: authorised,
        /** As whoever this is by now: most visitors of a website are nobody yet, and stay so. */
        tell: (path, body) => (token ? authorised : call)("POST", path, body),
        /** Files are sent by a part of their own: most visitors send none. */
        files: () => ({ base, inbox, token: () => token, session, ask: authorised, Refused }),
    };
}

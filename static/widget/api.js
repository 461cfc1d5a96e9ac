// The widget's side of the REST API: errors become {permanent, reason, retryAfter} as the outbox wants them.

const PATIENCE_MS = 15_000;

export class Refused extends Error {
    constructor(status, problem, retryAfter) {
        super(problem?.detail || problem?.title || `HTTP ${status}`);
        this.status = status;
        this.code = problem?.code ?? "";
        this.reason = problem?.detail ?? "";
        this.retryAfter = retryAfter;
        // What the server will refuse again tomorrow; everything else is worth another try.
        this.permanent = status >= 400 && status < 500 && ![401, 408, 425, 429].includes(status);
    }
}

export function createApi({ base, inbox, storage, identity }) {
    let token = storage.get("token");
    let renewing = null;

    async function call(method, path, body, headers = {}) {
        const response = await fetch(base + path, {
            method,
            // The token is the only proof of who this is: no cookie, on any site.
            credentials: "omit",
            headers: { "X-Widget-Token": inbox, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
            body: body ? JSON.stringify(body) : undefined,
            signal: AbortSignal.timeout ? AbortSignal.timeout(PATIENCE_MS) : undefined,
        });
        const answer = response.status === 204 ? null : await response.json().catch(() => null);
        if (response.ok) return answer;
        throw new Refused(response.status, answer, Number(response.headers.get("Retry-After")) || undefined);
    }

    /** Open (or renew) the visitor's session. The visitor's id is made here once and stays on this device. */
    function session() {
        renewing ??= call("POST", "session/", { visitor_id: storage.visitor(), ...identity() })
            .then((answer) => {
                token = answer.jwt;
                storage.set("token", token);
                return answer;
            })
            .finally(() => (renewing = null));
        return renewing;
    }

    async function authorised(method, path, body) {
        if (!token) await session();
        try {
            return await call(method, path, body, { Authorization: `Bearer ${token}` });
        } catch (error) {
            if (error.status !== 401) throw error;
            await session();
            return call(method, path, body, { Authorization: `Bearer ${token}` });
        }
    }

    return {
        session,
        async token({ fresh } = {}) {
            if (fresh || !token) await session();
            return token;
        },
        forget() {
            token = null;
        },
        start: (body) => authorised("POST", "conversations/", body),
        post: (id, body) => authorised("POST", `conversations/${id}/messages/`, body),
        events: (id, after) => authorised("GET", `conversations/${id}/events/?after=${after}`),
    };
}

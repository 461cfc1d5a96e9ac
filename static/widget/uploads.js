// Files: sent in pieces, going on where a broken line left them. Fetched with the first file.

const PIECE = 1024 * 1024;

/** One piece of a file; a request that tells how far it is, which `fetch` cannot. */
function put(api, address, piece, range, { signal, progress }) {
    return new Promise((resolve, reject) => {
        const request = new XMLHttpRequest();
        request.open("PUT", address);
        request.setRequestHeader("X-Widget-Token", api.inbox);
        request.setRequestHeader("Authorization", `Bearer ${api.token()}`);
        request.setRequestHeader("Content-Type", "application/octet-stream");
        request.setRequestHeader("Content-Range", range);
        request.upload.onprogress = ({ loaded }) => progress(loaded);
        request.onload = () => {
            let answer = null;
            try {
                answer = JSON.parse(request.responseText);
            } catch {
                // A proxy's page instead of ours.
            }
            if (request.status < 300) resolve(answer);
            else reject(new api.Refused(request.status, answer, Number(request.getResponseHeader("Retry-After")) || undefined));
        };
        request.onerror = request.ontimeout = () => reject(new Error("network"));
        request.onabort = () => reject(Object.assign(new Error("aborted"), { name: "AbortError" }));
        signal.addEventListener("abort", () => request.abort());
        request.send(piece);
    });
}

/** Put a file on the server. Gives the attachment. */
async function upload(api, file, { id, voice, signal, progress, began }) {
    if (!api.token()) await api.session();
    let known = id ? await api.ask("GET", `uploads/${id}/`).catch(() => null) : null;
    if (!known) {
        known = await api.ask("POST", "uploads/", { name: file.name || "file", bytes: file.size, voice });
        await began(known.id);
    }
    const address = known.put_url ?? `${api.base}uploads/${known.id}/`;
    let at = known.received ?? 0;
    let answer = known;
    while (at < file.size) {
        const end = Math.min(at + PIECE, file.size);
        const start = at;
        answer = await put(api, address, file.slice(start, end), `bytes ${start}-${end - 1}/${file.size}`, {
            signal,
            progress: (loaded) => progress(Math.min(1, (start + loaded) / file.size)),
        });
        at = end;
    }
    return { ...answer, id: known.id };
}

/** The files of a message, one after the other; `keep` remembers each one's place on the server. Gives their ids. */
export async function uploadAll(api, wanted, { signal, progress, keep }) {
    const total = wanted.reduce((sum, file) => sum + file.blob.size, 0);
    let done = 0;
    const files = [...wanted];
    for (const [at, file] of files.entries()) {
        if (!file.sent) {
            const stored = await upload(api, new File([file.blob], file.name, { type: file.type }), {
                id: file.id,
                voice: file.voice === true,
                signal,
                progress: (share) => progress((done + share * file.blob.size) / total),
                began: (id) => {
                    files[at] = { ...file, id };
                    return keep([...files]);
                },
            });
            files[at] = { ...files[at], id: stored.id, sent: true };
            await keep([...files]);
        }
        done += file.blob.size;
        progress(done / total);
    }
    return files.map((file) => file.id);
}

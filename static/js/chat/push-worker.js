// The console's service worker: shows what is pushed while no page is open. It keeps and intercepts nothing.

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("push", (event) => {
    const said = event.data?.json() ?? {};
    event.waitUntil(
        (async () => {
            // A console in front of the agent tells by itself.
            const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
            if (pages.some((page) => page.visibilityState === "visible" && page.focused)) return;
            await self.registration.showNotification(said.title ?? "", { body: [said.why, said.body].filter(Boolean).join("\n"), tag: said.tag, renotify: Boolean(said.tag), data: { url: said.url } });
        })(),
    );
});

self.addEventListener("notificationclick", (event) => {
    event.notification.close();
    const { url } = event.notification.data ?? {};
    if (!url || new URL(url).origin !== self.location.origin) return;
    event.waitUntil(
        (async () => {
            const pages = await self.clients.matchAll({ type: "window", includeUncontrolled: true });
            const page = pages.find((one) => new URL(one.url).pathname.startsWith("/chat/"));
            if (page) {
                await page.focus();
                await page.navigate(url).catch(() => self.clients.openWindow(url));
            } else await self.clients.openWindow(url);
        })(),
    );
});

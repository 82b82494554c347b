// Keeps the player's own files, so that it starts without the hub. Playlist, frames and receipts are not its business.
const FILES = ["./", "player.js", "rules.js", "store.js", "player.css"], CACHE = "player";

self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(FILES)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  const name = (url.origin + url.pathname).slice(self.registration.scope.length) || "./";
  if (event.request.method !== "GET" || !FILES.includes(name)) return;
  event.respondWith(fresh(event.request, name));
});

async function fresh(request, name) {
  const cache = await caches.open(CACHE);
  try {
    const answer = await fetch(request, { signal: AbortSignal.timeout(5000) });
    if (answer.ok) await cache.put(name, answer.clone());
    if (answer.ok || answer.status === 404) return answer;
  } catch { /* the hub is away */ }
  return (await cache.match(name)) ?? Response.error();
}

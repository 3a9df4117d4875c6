// The service worker: only for the moment when a page is asked for and the centre does not answer. Then it gives the
// one page that says so, and that heals itself. It keeps no alarm, no snapshot and nothing that has a version, and
// never stands between the board and its live link. It also shows a push. Build: {{build}}
// To switch it off everywhere, serve a worker that only unregisters itself.

/** @type {ServiceWorkerGlobalScope} */
const worker = /** @type {any} */ (self);

const CACHE = "offline";
const PAGE = "/tablet/offline";
const NAVIGATION_MS = 8000;

worker.addEventListener("install", (event) => {
  // An alarm must not wait for this worker to wake: the browser asks the centre itself, where it knows how to.
  /** @type {any} */ (event).addRoutes?.(["/tablet/snapshot", "/tablet/shown", "/tablet/events"].map(direct));
  event.waitUntil(keep().then(() => worker.skipWaiting()));
});

worker.addEventListener("activate", (event) => {
  event.waitUntil(worker.clients.claim());
});

worker.addEventListener("fetch", (event) => {
  if (event.request.mode !== "navigate") return;
  event.respondWith(navigate(event.request));
});

// A push says that there is an alarm and nothing else; what it is, the board says to whoever stands at it.
worker.addEventListener("push", (event) => {
  const shown = { body: "Åpne nettbrettet.", tag: "alarm", renotify: true, requireInteraction: true };
  event.waitUntil(worker.registration.showNotification("Ny alarm – åpne Nattevakt", shown));
});

worker.addEventListener("notificationclick", (event) => {
  event.notification.close();
  event.waitUntil(board());
});

async function board() {
  const [open] = await worker.clients.matchAll({ type: "window" });
  await (open ? open.focus() : worker.clients.openWindow("/"));
}

/** @param {string} pathname */
function direct(pathname) {
  return { condition: { urlPattern: { pathname } }, source: "network" };
}

async function keep() {
  const cache = await caches.open(CACHE);
  await cache.add(new Request(PAGE, { cache: "reload" }));
}

/** @param {Request} request */
async function navigate(request) {
  try {
    return await fetch(request, { signal: AbortSignal.timeout(NAVIGATION_MS) });
  } catch {
    return (await caches.match(PAGE)) ?? Response.error();
  }
}

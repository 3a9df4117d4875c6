// The service worker: only for the moment when a page is asked for and the centre does not answer. Then it gives the
// one page that says so, and that heals itself. It keeps no alarm, no snapshot and nothing that has a version, and
// never stands between the board and its live link. Build: {{build}}
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

// The player: shows a board's playlist on this screen, says what it really drew, and goes on without the hub.
// Everything is fetched relative to this page's own address, which is the link.
import { hashOf, turns } from "./rules.js";
import { open } from "./store.js";

const POLL_S = 30, REPORT_S = 60, LATE_S = 60, BATCH = 30, RETRY_S = 5, TICK_MS = 250, PATIENCE_MS = 20000;
const REVOKED_S = 600; // so long nothing but 404: the link was revoked
const board = document.body.dataset.board, canvas = document.querySelector("canvas");
const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
const mono = () => performance.now() / 1000;
const boot = crypto.getRandomValues(new Uint32Array(1))[0];

const state = {
  store: null, screen: "", playlist: null, next: null, missing: new Set(), ends: {}, seq: 0, shown: {}, told: new Set(),
  started: mono(), heard: null, hubAhead: null, ownAhead: null, silentBefore: 0, refusedSince: null, second: false,
  showing: "", turn: "", frames: [], place: 0, until: 0, reported: "", drawing: false,
};

// ---- time: the hub's clock once it was heard; after a restart this machine's, as far as it was off then, unless it
// went back since (a machine without a battery for its clock): then the time is unknown ----

function clock() {
  if (state.hubAhead !== null) return mono() + state.hubAhead;
  return state.ownAhead !== null ? Date.now() / 1000 + state.ownAhead : null;
}

function heardAt(hubNow) {
  state.heard = mono();
  state.hubAhead = hubNow - mono();
  const own = Date.now() / 1000;
  state.store.put("clock", { own, ahead: hubNow - own });
}

function moment() {
  const left = {};
  for (const [id, at] of Object.entries(state.ends)) left[id] = at - mono();
  return {
    clock: clock(), left, returned: state.heard === null,
    silent: mono() - (state.heard ?? state.started) + (state.heard === null ? state.silentBefore : 0),
  };
}

// ---- what is said ----

async function say(channel, body) {
  if (state.second && channel !== "state") { post(); return; }
  state.seq += 1;
  const ts = clock();
  const said = { boot, seq: state.seq, ...(ts === null ? {} : { ts: Math.round(ts * 1000) / 1000 }), ...body };
  await state.store.queue({ channel, body: said, at: mono(), boot });
  post();
}

const receipt = (item, result, frames, detail) =>
  say("receipt", { id: item, result, frames, ...(detail ? { detail } : {}) });

function report() {
  state.reported = state.turn;
  const faults = [...(state.missing.size ? ["fetch_failed"] : []), ...(state.store.full ? ["storage_full"] : [])];
  return say("telemetry", {
    applied: state.playlist?.id ?? "", showing: state.showing, uptime_s: Math.floor(mono()), faults,
  });
}

// What is read once: this screen's name for itself, so that a second one on the same link is told apart.
async function screenName() {
  const known = await state.store.get("screen");
  if (known) return known;
  const made = [...crypto.getRandomValues(new Uint8Array(8))].map((b) => b.toString(16).padStart(2, "0")).join("");
  await state.store.put("screen", made);
  return made;
}

let posting = false, batch = BATCH;
async function post() {
  if (posting) return;
  posting = true;
  try {
    for (;;) {
      const queued = await state.store.queued(batch);
      if (!queued.length) break;
      const messages = queued.map(([, { channel, body, at, boot: of }]) => {
        const late = of !== boot || mono() - at > LATE_S;
        return { channel, body: late && channel !== "state" ? { ...body, late: true } : body };
      });
      const answer = await fetch("said", {
        method: "POST", headers: { "content-type": "application/json" }, signal: AbortSignal.timeout(PATIENCE_MS),
        body: JSON.stringify({ screen: state.screen, messages }),
      });
      state.second = answer.status === 409; // another screen speaks for this board: this one only shows
      document.body.classList.toggle("second", state.second);
      const unfit = answer.status === 422 || answer.status === 413;
      if (unfit && queued.length > 1) { batch = 1; continue; } // one of them will never be taken: which?
      if (!answer.ok && !unfit) throw new Error(`said: ${answer.status}`);
      if (answer.ok) batch = BATCH;
      await state.store.sent(queued.map(([key]) => key));
    }
  } catch {
    await thin();
  }
  posting = false;
}

// Without the hub: of readings only the last is worth its room, receipts all are.
async function thin() {
  const queued = await state.store.queued(100000);
  const readings = queued.filter(([, said]) => said.channel === "telemetry");
  await state.store.sent(readings.slice(0, -1).map(([key]) => key));
}

// ---- the playlist ----

async function fetchPlaylist() {
  const have = (state.next ?? state.playlist)?.id ?? "";
  const answer = await fetch(`playlist?have=${have}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status === 404) state.refusedSince ??= mono();
  if (!answer.ok) throw new Error(`playlist: ${answer.status}`);
  state.refusedSince = null;
  await take(await answer.text());
}

// The whole playlist, or only the time and what is left of emergencies where it is the one we have.
async function take(text) {
  const said = JSON.parse(text);
  heardAt(said.now);
  if (said.items === undefined) {
    count(said.left ?? {});
    if (state.next !== null) await follow(state.next);
    return;
  }
  count(Object.fromEntries(said.items.filter((i) => i.ttl_s !== undefined).map((i) => [i.id, i.ttl_s])));
  await follow(said);
}

// A playlist is followed once all its frames are there; for an emergency in force its own are enough. Until then what
// stood goes on.
async function follow(playlist) {
  await collect(playlist);
  const alone = turns(playlist, moment()).filter((i) => i.level === "emergency");
  const waits = (alone.length ? alone : playlist.items).some((i) => i.frames.some((f) => state.missing.has(f.hash)));
  if (waits && state.playlist !== null) {
    state.next = playlist;
    setTimeout(pull, RETRY_S * 1000);
    return;
  }
  state.next = state.missing.size ? playlist : null;
  if (playlist.id === state.playlist?.id) return;
  state.playlist = playlist;
  await state.store.put("playlist", JSON.stringify(playlist));
  await forget();
  choose();
}

// A further copy never makes an emergency longer.
function count(left) {
  const before = state.ends;
  state.ends = {};
  for (const [id, seconds] of Object.entries(left)) {
    state.ends[id] = Math.min(mono() + seconds, before[id] ?? Infinity);
  }
}

async function collect(playlist) {
  const known = new Set(await state.store.frames());
  const missing = new Set();
  for (const frame of [...playlist.items.flatMap((i) => i.frames), ...playlist.fallback]) {
    if (known.has(frame.hash) || missing.has(frame.hash)) continue;
    try {
      await keep(frame);
      known.add(frame.hash);
    } catch (e) {
      missing.add(frame.hash);
      console.warn("a frame could not be had", frame.hash, String(e));
    }
  }
  state.missing = missing;
  for (const item of playlist.items) {
    const hashes = item.frames.map((f) => f.hash);
    const lacks = hashes.filter((h) => missing.has(h));
    const word = lacks.length ? "failed" : "stored";
    if (state.told.has(`${item.id} ${word}`)) continue;
    state.told.add(`${item.id} ${word}`);
    await receipt(item.id, word, lacks.length ? [] : hashes, lacks.length ? "fetch_failed" : "");
  }
  state.told = new Set([...state.told].filter((i) => playlist.items.some((p) => i.startsWith(`${p.id} `))));
  await state.store.put("told", [...state.told]);
}

async function keep(frame) {
  const blob = frame.png !== undefined
    ? new Blob([Uint8Array.from(atob(frame.png), (c) => c.charCodeAt(0))], { type: "image/png" })
    : await fetched(frame.hash);
  const image = await decoded(blob);
  const scratch = new OffscreenCanvas(image.width, image.height).getContext("2d", { alpha: false });
  scratch.drawImage(image, 0, 0);
  const found = await hashOf(image.width, image.height, scratch.getImageData(0, 0, image.width, image.height).data);
  if (found !== frame.hash) throw new Error(`other pixels: ${found}`);
  await state.store.keepFrame(frame.hash, blob);
}

async function fetched(hash) {
  const answer = await fetch(`frames/${hash}.png`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(`frame: ${answer.status}`);
  return answer.blob();
}

const decoded = (blob) => createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });

async function forget() {
  const wanted = new Set([...state.playlist.items.flatMap((i) => i.frames), ...state.playlist.fallback].map((f) => f.hash));
  for (const hash of await state.store.frames()) if (!wanted.has(hash)) await state.store.dropFrame(hash);
}

// ---- what stands on the screen ----

// Frames in turn of what is due; when that changes, from the first one again.
function choose() {
  if (state.playlist === null) return;
  const now = moment();
  const revoked = state.refusedSince !== null && mono() - state.refusedSince > REVOKED_S;
  const items = revoked ? [] : turns(state.playlist, now);
  const due = new Set(items.map((i) => i.id));
  for (const id of Object.keys(state.shown)) if (!due.has(id)) ended(id);
  const turn = `${state.playlist.id} ${items.map((i) => i.id).join(" ")}`;
  if (turn === state.turn) return;
  const fallback = state.playlist.policy.nothing_due === "fallback" ? state.playlist.fallback : [];
  state.frames = items.length ? items.flatMap((i) => i.frames.map((f) => ({ ...f, item: i.id }))) : fallback;
  state.turn = turn;
  state.place = 0;
  state.until = 0;
}

// It does not stand there any more; when it does again that is told anew.
function ended(id) {
  const hashes = state.shown[id];
  delete state.shown[id];
  state.store.put("shown", state.shown);
  receipt(id, "ended", hashes);
}

async function tick() {
  choose();
  if (state.drawing || state.playlist === null || mono() < state.until) return;
  state.drawing = true;
  try {
    await next();
  } catch (e) {
    console.warn("a frame could not be drawn", String(e));
    state.until = mono() + 1;
  }
  state.drawing = false;
}

async function next() {
  const turn = state.turn, frames = state.frames;
  if (!frames.length) return stand("", null, turn, mono() + 3600);
  for (let i = 0; i < frames.length; i += 1) {
    const frame = frames[(state.place + i) % frames.length];
    const blob = await state.store.frame(frame.hash);
    if (!blob) continue;
    const image = await decoded(blob);
    if (turn !== state.turn) return undefined;
    canvas.width = image.width;
    canvas.height = image.height;
    context.drawImage(image, 0, 0);
    const drawn = await hashOf(image.width, image.height, context.getImageData(0, 0, image.width, image.height).data);
    state.place = (state.place + i + 1) % frames.length;
    return stand(drawn, frame.item, turn, mono() + frame.seconds);
  }
  state.until = mono() + 1; // what stood goes on: a board is never black for want of a frame
  return undefined;
}

async function stand(hash, item, turn, until) {
  if (hash === "") context.fillRect(0, 0, canvas.width, canvas.height);
  state.showing = hash;
  state.until = until;
  document.body.dataset.showing = hash;
  if (item && !state.shown[item]?.includes(hash)) {
    (state.shown[item] ??= []).push(hash);
    await state.store.put("shown", state.shown);
    await receipt(item, "shown", [hash]);
  }
  if (state.reported !== turn) await report();
}

// ---- its life ----

async function restore() {
  state.screen = await screenName();
  const known = await state.store.get("clock"), own = Date.now() / 1000;
  if (known && own >= known.own) {
    state.ownAhead = known.ahead;
    state.silentBefore = own - known.own;
  }
  state.told = new Set((await state.store.get("told")) ?? []);
  state.shown = (await state.store.get("shown")) ?? {};
  const text = await state.store.get("playlist");
  if (text) state.playlist = JSON.parse(text);
}

async function listen() {
  const source = new EventSource("events");
  source.addEventListener("playlist", () => pull());
  source.addEventListener("ping", () => { state.heard = mono(); });
  source.onerror = () => {
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, RETRY_S * 1000);
  };
}

let pulling = null, again = false;
async function pull() {
  if (pulling) { again = true; return; }
  pulling = true;
  do {
    again = false;
    try {
      await fetchPlaylist();
    } catch (e) {
      console.warn("the hub is not heard", String(e));
    }
  } while (again);
  pulling = false;
  post();
}

async function main() {
  if ("serviceWorker" in navigator) navigator.serviceWorker.register("sw.js").catch(() => {});
  state.store = await open(board);
  await restore();
  await say("state", { online: true, model: "village-hub player", firmware: document.body.dataset.version });
  setInterval(tick, TICK_MS);
  setInterval(report, REPORT_S * 1000);
  setInterval(pull, POLL_S * 1000);
  listen();
  await pull();
  navigator.wakeLock?.request("screen").catch(() => {});
}

document.addEventListener("click", () => document.documentElement.requestFullscreen?.().catch(() => {}));
navigator.storage?.persist?.();
navigator.locks.request(`player:${board}`, { ifAvailable: true }, async (lock) => {
  if (lock === null) {
    document.body.classList.add("second");
    return;
  }
  await main();
  await new Promise(() => {});
});

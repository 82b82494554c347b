// What outlives a reload and a power cut: the playlist, frames by their hash, words that the hub has not had yet.
const NAME = "village-hub-player", TABLES = ["kept", "frames", "outbox"];

const done = (request) => new Promise((yes, no) => {
  request.onsuccess = () => yes(request.result);
  request.onerror = () => no(request.error);
});

export async function open(board) {
  const asked = indexedDB.open(`${NAME}:${board}`, 1);
  asked.onupgradeneeded = () => {
    for (const table of TABLES) asked.result.createObjectStore(table, table === "outbox" ? { autoIncrement: true } : {});
  };
  return new Store(await done(asked));
}

class Store {
  constructor(db) { this.db = db; }

  table(name, mode) { return this.db.transaction(name, mode).objectStore(name); }

  get(key) { return done(this.table("kept", "readonly").get(key)); }

  put(key, value) { return done(this.table("kept", "readwrite").put(value, key)); }

  frame(hash) { return done(this.table("frames", "readonly").get(hash)); }

  keepFrame(hash, blob) { return done(this.table("frames", "readwrite").put(blob, hash)); }

  frames() { return done(this.table("frames", "readonly").getAllKeys()); }

  dropFrame(hash) { return done(this.table("frames", "readwrite").delete(hash)); }

  queue(said) { return done(this.table("outbox", "readwrite").add(said)); }

  // The oldest `count`: [[key, said]]
  async queued(count) {
    const table = this.table("outbox", "readonly");
    const [keys, values] = await Promise.all([done(table.getAllKeys(null, count)), done(table.getAll(null, count))]);
    return keys.map((key, i) => [key, values[i]]);
  }

  sent(keys) {
    const table = this.table("outbox", "readwrite");
    return Promise.all(keys.map((key) => done(table.delete(key))));
  }
}

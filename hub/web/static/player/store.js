// What outlives a reload and a power cut: the playlist, frames by their hash, words that the hub has not had yet.
const NAME = "village-hub-player", TABLES = ["kept", "frames", "outbox"];

const done = (request) => new Promise((yes, no) => {
  request.onsuccess = () => yes(request.result);
  request.onerror = () => no(request.error);
});

// Where the browser keeps nothing (a private window, a broken disk) memory has to do.
export async function open(board) {
  try {
    return await opened(board);
  } catch (e) {
    console.warn("nothing is kept here over a restart", String(e));
    return new Store(null);
  }
}

async function opened(board) {
  const asked = indexedDB.open(`${NAME}:${board}`, 1);
  asked.onupgradeneeded = () => {
    for (const table of TABLES) asked.result.createObjectStore(table, table === "outbox" ? { autoIncrement: true } : {});
  };
  return new Store(await done(asked));
}

class Store {
  constructor(db) {
    this.db = db;
    this.full = db === null;
    this.memory = { kept: new Map(), frames: new Map(), outbox: new Map() };
    this.last = 0;
  }

  table(name, mode) { return this.db.transaction(name, mode).objectStore(name); }

  // From memory what had no room on disk, else from the disk.
  async read(name, key) {
    if (this.memory[name].has(key) || this.db === null) return this.memory[name].get(key);
    return done(this.table(name, "readonly").get(key));
  }

  async write(name, key, value) {
    try {
      if (this.db === null) throw new Error("no database");
      await done(this.table(name, "readwrite").put(value, key));
      this.memory[name].delete(key);
    } catch (e) {
      this.full = true;
      this.memory[name].set(key, value);
      console.warn("kept in memory only", name, String(e));
    }
  }

  get(key) { return this.read("kept", key); }

  put(key, value) { return this.write("kept", key, value); }

  frame(hash) { return this.read("frames", hash); }

  keepFrame(hash, blob) { return this.write("frames", hash, blob); }

  async frames() {
    const kept = this.db === null ? [] : await done(this.table("frames", "readonly").getAllKeys());
    return [...kept, ...this.memory.frames.keys()];
  }

  async dropFrame(hash) {
    this.memory.frames.delete(hash);
    if (this.db !== null) await done(this.table("frames", "readwrite").delete(hash));
  }

  async queue(said) {
    try {
      if (this.db === null) throw new Error("no database");
      await done(this.table("outbox", "readwrite").add(said));
    } catch {
      this.full = true;
      this.last -= 1; // keys of the database are above 0
      this.memory.outbox.set(this.last, said);
    }
  }

  // The oldest `count`: [[key, said]]
  async queued(count) {
    const found = [];
    if (this.db !== null) {
      const table = this.table("outbox", "readonly");
      const [keys, values] = await Promise.all([done(table.getAllKeys(null, count)), done(table.getAll(null, count))]);
      keys.forEach((key, i) => found.push([key, values[i]]));
    }
    return [...found, ...this.memory.outbox].slice(0, count);
  }

  async sent(keys) {
    const kept = keys.filter((key) => !this.memory.outbox.delete(key));
    if (!kept.length) return;
    const table = this.table("outbox", "readwrite");
    await Promise.all(kept.map((key) => done(table.delete(key))));
  }
}

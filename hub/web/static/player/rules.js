// What a board shows by its playlist at a moment: the rules of devices/notice.py, held to the same cases.
// A moment: clock (s since 1970, null where unknown), silent (s since the hub was heard), returned (restarted, and the
// hub was not heard since), left (item id -> seconds left by the board's own time).

export function inForce(item, moment) {
  const left = moment.left[item.id];
  if (left !== undefined && left <= 0) return false;
  return moment.clock === null ? left !== undefined : due(item, moment.clock);
}

export function due(item, clock) {
  return item.windows.some(([from, until]) => from <= clock && clock < until);
}

export function turns(playlist, moment) {
  const policy = playlist.policy, items = playlist.items;
  const alone = items.find((i) => i.level === "emergency" && inForce(i, moment));
  if (alone) return [alone];
  if (policy.link_lost === "fallback" && moment.silent >= policy.link_lost_s) return [];
  if (policy.power_return === "fallback" && moment.returned) return [];
  if (moment.clock === null && policy.no_clock === "fallback") return [];
  const now = items.filter((i) => i.level !== "emergency" && (moment.clock === null || due(i, moment.clock)));
  return now.filter((i) => i.level === now[0].level && (i.priority ?? 0) === (now[0].priority ?? 0));
}

// The sha256 of a frame's pixels, as docs/notices.md says: "<width>x<height>\n", then red, green and blue of each
// pixel, row by row. `data` is RGBA, as a canvas gives it back.
export async function hashOf(width, height, data) {
  const head = new TextEncoder().encode(`${width}x${height}\n`);
  const bytes = new Uint8Array(head.length + width * height * 3);
  bytes.set(head);
  for (let from = 0, to = head.length; from < data.length; from += 4) {
    bytes[to++] = data[from];
    bytes[to++] = data[from + 1];
    bytes[to++] = data[from + 2];
  }
  const digest = await crypto.subtle.digest("SHA-256", bytes);
  return [...new Uint8Array(digest)].map((b) => b.toString(16).padStart(2, "0")).join("");
}

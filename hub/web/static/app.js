// Says when the connection is lost, and marks an incident once when it is new. Everything else is htmx.
"use strict";
const stale = () => document.getElementById("stale");
const cards = () => document.querySelectorAll(".card[id^=incident-]");
const known = new Set();
for (const card of cards()) known.add(card.id);
document.addEventListener("htmx:sseOpen", () => { stale().hidden = true; });
document.addEventListener("htmx:sseError", () => { stale().hidden = false; });
document.addEventListener("htmx:sseMessage", () => {
  for (const card of cards()) {
    if (!known.has(card.id)) card.classList.add("fresh");
    known.add(card.id);
  }
});

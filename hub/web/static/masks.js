// Masks: a rectangle drawn on the picture fills in the form's edges; written edges are drawn.
"use strict";
const figure = document.getElementById("masked");
const drawn = document.getElementById("drawn");
const edges = ["left", "top", "right", "bottom"].map((n) => document.querySelector(`input[name=${n}]`));
function show() {
  const [l, t, r, b] = edges.map((e) => Number(e.value));
  if (drawn) drawn.setAttribute("points", edges.every((e) => e.value !== "") ? `${l},${t} ${r},${t} ${r},${b} ${l},${b}` : "");
}
function place(event) {
  const box = figure.getBoundingClientRect();
  const share = (at, from, size) => Math.round(1000 * Math.min(1, Math.max(0, (at - from) / size))) / 10;
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)];
}
for (const edge of edges) edge.addEventListener("input", show);
if (figure) {
  let from = null;
  figure.addEventListener("pointerdown", (event) => { from = place(event); figure.setPointerCapture(event.pointerId); });
  figure.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = place(event);
    [0, 1].forEach((i) => {
      edges[i].value = Math.min(from[i], to[i]);
      edges[i + 2].value = Math.max(from[i], to[i]);
    });
    show();
  });
  for (const end of ["pointerup", "pointercancel"]) figure.addEventListener(end, () => { from = null; });
}

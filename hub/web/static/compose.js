// The composer: a template opens its own form, a picture that is too large is told before it travels.
"use strict";
for (const select of document.querySelectorAll("select[data-goes]")) {
  const before = select.value;
  select.addEventListener("change", () => {
    const written = ["title", "text"].some((n) => select.form.elements[n]?.value.trim());
    if (written && !confirm(select.dataset.ask)) { select.value = before; return; }
    location.href = select.dataset.goes + encodeURIComponent(select.value);
  });
}
for (const file of document.querySelectorAll("input[type=file][data-most]")) {
  file.addEventListener("change", () => {
    const large = file.files.length && file.files[0].size > Number(file.dataset.most);
    file.setCustomValidity(large ? file.dataset.told : "");
    // What it does to the frames is seen at once; the preview while one writes does not carry it.
    if (file.reportValidity()) file.form.requestSubmit(file.form.querySelector("button[value=preview]"));
  });
}
for (const find of document.querySelectorAll("[data-find]")) {
  const plain = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/gi, "d").toLowerCase();
  const rows = [...find.parentElement.querySelectorAll(".rows .check")];
  find.hidden = rows.length < 8;
  find.addEventListener("input", (event) => {
    event.stopPropagation(); // it is no part of what is written
    for (const row of rows) row.hidden = !plain(row.textContent).includes(plain(find.value)) && !row.querySelector("input").checked;
  });
}

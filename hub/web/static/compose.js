// The composer: a template opens its own form, a picture that is too large is told before it travels.
"use strict";
for (const select of document.querySelectorAll("select[data-goes]")) {
  select.addEventListener("change", () => { location.href = select.dataset.goes + encodeURIComponent(select.value); });
}
for (const file of document.querySelectorAll("input[type=file][data-most]")) {
  file.addEventListener("change", () => {
    const large = file.files.length && file.files[0].size > Number(file.dataset.most);
    file.setCustomValidity(large ? file.dataset.told : "");
    file.reportValidity();
  });
}

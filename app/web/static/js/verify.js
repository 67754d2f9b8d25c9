// Extras of the page that checks badges: a file may be dropped on it, and whoever waits is told for what. Without this
// script the form does the same by itself.
const form = document.querySelector("[data-verify]");
const zone = form.querySelector("[data-drop]");
const input = zone.querySelector("input[type=file]");
const status = form.querySelector("[data-verify-status]");
const atRest = status.textContent;
let sent = false;

function carriesFiles(event) {
  return event.dataTransfer?.types.includes("Files");
}

function light(on) {
  zone.toggleAttribute("data-over", on);
}

zone.querySelector("[data-drop-hint]").hidden = false;
for (const kind of ["dragenter", "dragover"]) {
  zone.addEventListener(kind, (event) => {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    light(true);
  });
}
zone.addEventListener("dragleave", (event) => {
  if (!zone.contains(event.relatedTarget)) light(false);
});
zone.addEventListener("drop", (event) => {
  light(false);
  if (!carriesFiles(event)) return;
  event.preventDefault();
  const files = event.dataTransfer.files;
  if (files.length !== 1) {
    status.textContent = "Please drop one file at a time.";
    return;
  }
  input.files = files;
  status.textContent = `${files[0].name} is chosen. Now check it.`;
  form.querySelector("button").focus();
});

form.addEventListener("submit", (event) => {
  if (sent) {
    event.preventDefault();
    return;
  }
  sent = true;
  status.textContent = status.dataset.words;
});
// Coming back by the browser's own way finds the page as it was left.
addEventListener("pageshow", () => {
  sent = false;
  status.textContent = atRest;
});

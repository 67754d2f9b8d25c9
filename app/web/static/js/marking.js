// Marks a rubric from the keyboard: j and k walk between criteria, 1 to 4 set a level, c goes to the comment, ? helps.
// The keys act only while focus is in the form and not in a text box, and can be turned off (WCAG 2.2, 2.1.4).
const KEYS = [
  ["j / k", "next or previous criterion"],
  ["1 – 4", "set the level"],
  ["c", "write a comment on this criterion (Escape returns)"],
  ["?", "show or hide this help"],
];

for (const form of document.querySelectorAll("form[data-marking]")) {
  const criteria = [...form.querySelectorAll("[data-criterion]")];
  if (criteria.length) enhance(form, criteria);
}

function enhance(form, criteria) {
  const { box, help, toggle } = buildHelp();
  criteria[0].before(box);
  let on = true;
  toggle.addEventListener("click", () => {
    on = !on;
    toggle.setAttribute("aria-pressed", String(on));
    toggle.textContent = on ? "Keyboard marking is on" : "Keyboard marking is off";
  });

  form.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const here = criteria.findIndex((criterion) => criterion.contains(event.target));
    if (event.key === "Escape" && here >= 0 && isText(event.target)) return focusOn(criteria[here], event);
    if (!on || isText(event.target)) return;
    if (event.key === "?") { help.open = !help.open; event.preventDefault(); }
    else if (event.key === "j") focusOn(criteria[Math.min(here + 1, criteria.length - 1)], event);
    else if (event.key === "k") focusOn(criteria[Math.max(here - 1, 0)], event);
    else if (event.key === "c" && here >= 0) { criteria[here].querySelector("textarea")?.focus(); event.preventDefault(); }
    else if (here >= 0) setLevel(criteria[here], event);
  });
}

function isText(element) {
  return element.matches("textarea, select, input:not([type=radio], [type=checkbox])");
}

function focusOn(criterion, event) {
  (criterion.querySelector("input[type=radio]:checked") ?? criterion.querySelector("input[type=radio]")).focus();
  criterion.scrollIntoView({ block: "nearest" });
  event.preventDefault();
}

function setLevel(criterion, event) {
  const level = [...criterion.querySelectorAll("input[type=radio]")].find((radio) => radio.value === event.key);
  if (!level) return;
  level.checked = true;
  level.focus();
  level.dispatchEvent(new Event("change", { bubbles: true }));
  event.preventDefault();
}

function buildHelp() {
  const box = document.createElement("div");
  box.className = "marking-help cluster";
  const help = document.createElement("details");
  const summary = document.createElement("summary");
  summary.textContent = "Mark by keyboard";
  const list = document.createElement("dl");
  for (const [key, meaning] of KEYS) {
    const term = document.createElement("dt");
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    term.append(kbd);
    const description = document.createElement("dd");
    description.textContent = meaning;
    list.append(term, description);
  }
  help.append(summary, list);
  const toggle = document.createElement("button");
  toggle.type = "button";
  toggle.className = "button button--quiet";
  toggle.setAttribute("aria-pressed", "true");
  toggle.textContent = "Keyboard marking is on";
  box.append(help, toggle);
  return { box, help, toggle };
}

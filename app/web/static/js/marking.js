// Marks a rubric from the keyboard. The keys act wherever the focus is on the page but in a text box or a list, and can
// be turned off for good (WCAG 2.2, 2.1.4). None of them sends anything: they choose, or lead to what sends.
const KEYS = [
  ["j / k", "next or previous criterion"],
  ["1 – 4", "set the level of this criterion"],
  ["c", "write a comment on this criterion"],
  ["b", "saved comments for this criterion: choose one, Enter inserts it"],
  ["r", "write the comment to the learner"],
  ["Escape", "leave a text box, back to the levels"],
  ["a", "go to the buttons: award, return, save"],
  ["?", "show or hide this help"],
];
const OFF = "waymark-marking-keys-off";

for (const form of document.querySelectorAll("form[data-marking]")) {
  const criteria = [...form.querySelectorAll("[data-criterion]")];
  if (criteria.length) enhance(form, criteria);
  form.querySelectorAll("[data-bank]").forEach(insertHere);
  const place = form.dataset.focus && document.getElementById(form.dataset.focus);
  if (place) toTheEnd(place);
}

function enhance(form, criteria) {
  const { box, help, toggle } = buildHelp();
  criteria[0].before(box);
  let current = 0;
  let on = !remembered();
  const show = () => {
    toggle.setAttribute("aria-pressed", String(on));
    toggle.textContent = on ? "Keyboard marking is on" : "Keyboard marking is off";
  };
  show();
  toggle.addEventListener("click", () => { on = !on; remember(!on); show(); });
  form.addEventListener("focusin", (event) => {
    const here = criteria.findIndex((criterion) => criterion.contains(event.target));
    if (here >= 0) current = here;
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const here = criteria.findIndex((criterion) => criterion.contains(event.target));
    if (event.key === "Escape" && isText(event.target) && form.contains(event.target)) return focusOn(criteria[here < 0 ? current : here], event);
    if (!on || isText(event.target)) return;
    const act = {
      "?": () => { help.open = !help.open; if (help.open) help.querySelector("summary").focus(); },
      j: () => focusOn(criteria[here < 0 ? current : Math.min(here + 1, criteria.length - 1)]),
      k: () => focusOn(criteria[here < 0 ? current : Math.max(here - 1, 0)]),
      c: () => criteria[current].querySelector("textarea")?.focus(),
      b: () => (criteria[current].querySelector("select") ?? criteria[current].querySelector("[data-bank] button"))?.focus(),
      r: () => form.querySelector("[name=comment]")?.focus(),
      a: () => form.querySelector("[name=decision][value=award]")?.focus(),
    }[event.key] ?? (here >= 0 ? levelSetter(criteria[here], event.key) : undefined);
    if (!act) return;
    act();
    event.preventDefault();
  });
}

function isText(element) {
  return element.matches?.("textarea, select, input:not([type=radio], [type=checkbox]), [contenteditable]") ?? false;
}

function focusOn(criterion, event) {
  (criterion.querySelector("input[type=radio]:checked") ?? criterion.querySelector("input[type=radio]")).focus();
  criterion.scrollIntoView({ block: "nearest" });
  event?.preventDefault();
}

function levelSetter(criterion, key) {
  const level = [...criterion.querySelectorAll("input[type=radio]")].find((radio) => radio.value === key);
  if (!level) return undefined;
  return () => {
    level.checked = true;
    level.focus();
    level.dispatchEvent(new Event("change", { bubbles: true }));
  };
}

// Without this script the button sends the form and the server inserts; with it nothing has to be sent.
function insertHere(bank) {
  const text = document.getElementById(bank.dataset.bank);
  const choice = bank.querySelector("select");
  const button = bank.querySelector("[data-insert]");
  const said = bank.querySelector("[data-bank-said]");
  if (!text || !choice || !button) return;
  const insert = (event) => {
    event.preventDefault();
    const chosen = choice.selectedOptions[0]?.dataset.text;
    if (!chosen) { said.textContent = "Choose a saved comment first."; choice.focus(); return; }
    const written = text.value.trimEnd();
    text.value = written ? `${written}\n${chosen}` : chosen;
    text.dispatchEvent(new Event("input", { bubbles: true }));
    choice.selectedIndex = 0;
    said.textContent = "Inserted.";
    toTheEnd(text);
  };
  button.addEventListener("click", insert);
  choice.addEventListener("keydown", (event) => { if (event.key === "Enter" && choice.value) insert(event); });
}

function toTheEnd(text) {
  text.focus();
  text.setSelectionRange?.(text.value.length, text.value.length);
  text.scrollIntoView({ block: "nearest" });
}

// Inside a frame the browser may keep nothing for us: then the choice holds for this page only.
function remembered() {
  try { return localStorage.getItem(OFF) === "yes"; } catch { return false; }
}

function remember(off) {
  try { if (off) localStorage.setItem(OFF, "yes"); else localStorage.removeItem(OFF); } catch { /* not kept */ }
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
  box.append(help, toggle);
  return { box, help, toggle };
}

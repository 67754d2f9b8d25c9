// Saves a form's draft as one types. The text on the screen is never replaced without the writer's choice.
import { beforeLeaving, pageSignal } from "./carrier_life.js";
import { sessionFetch } from "./carrier_session.js";
import { askWhich } from "./draft_conflict.js";
import { showFound } from "./draft_found.js";
import { forget, forgetOld, keep, recall } from "./draft_kept.js";

const WAIT_AFTER_TYPING = 800;
const FIRST_RETRY = 2_000;
const LONGEST_RETRY = 60_000;
const KEEPALIVE_LIMIT = 60_000; // browsers refuse keepalive bodies over 64 KiB in all

const sentences = {
  saving: () => "Saving…",
  saved: (time) => `Saved ${time}`,
  offline: (kept) => `Not saved yet: we cannot reach Waymark just now. Your text is safe on this ${kept ? "device" : "page"}; we keep trying.${kept ? "" : " Leave the page open."}`,
  ended: (kept) => kept
    ? "Not saved: your session has ended. Your text is kept on this device. Open this activity again from your course, and it is put back and saved."
    : "Not saved: your session has ended. Your text is still here. Copy it, then open this activity again from your course.",
  restored: () => "This text was on your device and not saved yet. It is put back, and is being saved.",
  refused: (detail) => `Not saved. ${detail || "The server did not accept this draft."} Your text is still here.`,
  conflict: () => "Not saved: a newer version was saved on another device. Choose which one to keep.",
};

forgetOld();
for (const form of document.querySelectorAll("form[data-draft-url]")) startSaving(form);

function startSaving(form) {
  const status = form.querySelector("[data-draft-status]") ?? addStatus(form);
  let revision = Number(form.dataset.draftRevision);
  let last = JSON.stringify(read(form));
  let timer = 0;
  let delay = FIRST_RETRY;
  let busy = false;
  let stopped = false;
  let choosing = false;
  let isKept = false;
  let mayLeave = false;
  const name = form.dataset.draftKeep;

  const tell = (state, ...words) => {
    status.dataset.state = { ended: "refused", conflict: "refused", restored: "saving" }[state] ?? state;
    status.textContent = sentences[state](...words);
  };
  const changed = () => JSON.stringify(read(form)) !== last;
  const later = (ms) => { clearTimeout(timer); timer = setTimeout(save, ms); };

  async function save() {
    if (busy || stopped || choosing || !changed()) return;
    clearTimeout(timer);
    busy = true;
    const content = read(form);
    tell("saving");
    try {
      await understand(await send(form, revision, content), content);
    } catch {
      tell("offline", isKept);
      later(delay);
      delay = Math.min(delay * 2, LONGEST_RETRY);
    } finally {
      busy = false;
    }
  }

  // Before the next page is asked for: what is under way, and what is not saved yet.
  async function finish() {
    while (busy) await new Promise((resolve) => { setTimeout(resolve, 20); });
    await save();
  }

  async function understand(response, content) {
    const body = await response.json().catch(() => ({}));
    if (response.ok) return accept(body, content);
    if (response.status === 409) return resolve(body, content);
    if ([401, 403, 410].includes(response.status)) { stopped = true; ended(); return; }
    if (response.status === 413) return tell("refused", "The text is too long.");
    if (response.status < 500 && response.status !== 429) return tell("refused", body.detail);
    throw new Error("try again later");
  }

  function accept(body, content) {
    delay = FIRST_RETRY;
    last = JSON.stringify(content);
    setRevision(body.revision);
    tell("saved", clock(body.saved_at));
    showFound(form, body.found);
    if (changed()) return later(WAIT_AFTER_TYPING);
    forgetKept();
  }

  function forgetKept() {
    isKept = false;
    if (name) forget(name);
  }

  // The text stays where it is. Where the device could not keep it either, it can be taken along in one go.
  function ended() {
    tell("ended", isKept);
    if (isKept || form.querySelector("[data-draft-copy]")) return;
    const copy = document.createElement("button");
    copy.type = "button";
    copy.className = "button button--secondary";
    copy.dataset.draftCopy = "";
    copy.textContent = "Copy all my text";
    copy.addEventListener("click", () => takeAlong(form, copy));
    status.after(copy);
  }

  // Typed here before and never saved: put back, unless something newer was saved meanwhile; then the writer chooses.
  async function restore() {
    const kept = name ? recall(name) : undefined;
    if (!kept) return;
    if (JSON.stringify(kept.content) === last) {
      if (!form.hasAttribute("data-draft-unsaved")) forgetKept();
      return;
    }
    if (form.hasAttribute("data-draft-unsaved")) return;
    isKept = true;
    if (kept.revision === revision) {
      write(form, kept.content);
      tell("restored");
      return later(0);
    }
    choosing = true;
    tell("conflict");
    const choice = await askWhich({ inside: form, mine: kept.content, theirs: read(form), savedAt: "since then", mineTitle: "Not saved before, from this device", mineLabel: "Use this one" });
    choosing = false;
    if (choice === "mine") { write(form, kept.content); return later(0); }
    forgetKept();
    tell("saved", clock());
  }

  async function resolve(body, content) {
    choosing = true;
    tell("conflict");
    const choice = await askWhich({ inside: form, mine: content, theirs: body.content, savedAt: clock(body.saved_at) });
    choosing = false;
    setRevision(body.revision);
    last = JSON.stringify(body.content);
    if (choice === "theirs") {
      write(form, body.content);
      last = JSON.stringify(read(form));
      forgetKept();
      tell("saved", clock(body.saved_at));
      showFound(form, body.found);
    } else {
      later(0);
    }
  }

  function setRevision(number) {
    revision = number;
    form.dataset.draftRevision = String(number);
    const hidden = form.querySelector("input[name=revision]");
    if (hidden) hidden.value = String(number);
  }

  form.addEventListener("input", () => {
    if (name) isKept = keep(name, read(form), revision) ?? false;
    later(WAIT_AFTER_TYPING);
  });
  // Going on before the text is safe would lose it where nobody answers or the session is over: saved first, then sent.
  form.addEventListener("submit", async (event) => {
    if (!mayLeave && (changed() || busy)) {
      event.preventDefault();
      event.stopImmediatePropagation();
      await finish();
      if (changed() && (choosing || stopped || status.dataset.state === "offline")) return;
      mayLeave = true;
      form.requestSubmit(event.submitter);
      return;
    }
    mayLeave = false;
    stopped = true;
    clearTimeout(timer);
  });
  form.addEventListener("waymark:not-sent", () => { stopped = false; later(0); });
  const signal = pageSignal();
  window.addEventListener("pageshow", (event) => { if (event.persisted) stopped = false; }, { signal });
  window.addEventListener("online", () => later(0), { signal });
  // Leaving: the last words go out at once, and outlive the page (see keepalive below).
  beforeLeaving(finish);
  window.addEventListener("pagehide", save, { signal });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); }, { signal });
  window.addEventListener("beforeunload", (event) => {
    if (!isKept && changed() && ["offline", "refused"].includes(status.dataset.state)) event.preventDefault();
  }, { signal });
  restore();
}

async function takeAlong(form, button) {
  const content = read(form);
  const text = typeof content === "string" ? content : Object.values(content).flat().filter(Boolean).join("\n\n");
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied. You can paste it anywhere";
  } catch {
    const box = document.createElement("textarea");
    box.className = "input";
    box.readOnly = true;
    box.rows = 6;
    box.value = text;
    box.setAttribute("aria-label", "All your text, to copy from here");
    button.replaceWith(box);
    box.focus();
    box.select();
  }
}

function send(form, revision, content) {
  const body = JSON.stringify({ revision, content });
  return sessionFetch(form.dataset.draftUrl, {
    method: form.dataset.draftMethod ?? "PUT",
    credentials: "same-origin",
    headers: { "Content-Type": "application/json", Accept: "application/json", "X-CSRF-Token": form.querySelector("input[name=csrf]")?.value ?? "" },
    keepalive: new Blob([body]).size < KEEPALIVE_LIMIT,
    body,
  });
}

// The draft is one named field's text, or an object of all fields that hold the writer's work.
function read(form) {
  if (form.dataset.draftField) return form.elements[form.dataset.draftField].value;
  const content = {};
  for (const field of work(form)) {
    if (field.type === "checkbox") {
      content[field.name] ??= [];
      if (field.checked) content[field.name].push(field.value);
    } else if (field.type === "radio") {
      content[field.name] ??= "";
      if (field.checked) content[field.name] = field.value;
    } else {
      content[field.name] = field.value;
    }
  }
  return content;
}

function write(form, content) {
  if (form.dataset.draftField) { form.elements[form.dataset.draftField].value = content; return; }
  for (const field of work(form)) {
    const value = content[field.name];
    if (value === undefined) continue;
    if (field.type === "checkbox" || field.type === "radio") field.checked = [].concat(value).includes(field.value);
    else field.value = value;
  }
}

function work(form) {
  const skipped = new Set(["hidden", "file", "submit", "button", "reset", "password"]);
  return [...form.elements].filter((field) => field.name && field.name !== "csrf" && !skipped.has(field.type) && field.tagName !== "FIELDSET");
}

function clock(iso) {
  const moment = iso ? new Date(iso) : new Date();
  return new Intl.DateTimeFormat("en-AU", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(moment);
}

function addStatus(form) {
  const status = document.createElement("p");
  status.className = "draft-status";
  status.setAttribute("role", "status");
  form.append(status);
  return status;
}

// Saves a form's draft as one types. The text on the screen is never replaced without the writer's choice.
import { beforeLeaving, pageSignal } from "./carrier_life.js";
import { sessionFetch } from "./carrier_session.js";
import { askWhich } from "./draft_conflict.js";

const WAIT_AFTER_TYPING = 800;
const FIRST_RETRY = 2_000;
const LONGEST_RETRY = 60_000;
const KEEPALIVE_LIMIT = 60_000; // browsers refuse keepalive bodies over 64 KiB in all

const sentences = {
  saving: () => "Saving…",
  saved: (time) => `Saved ${time}`,
  offline: () => "Not saved yet: we cannot reach Waymark just now. Your text is safe on this page; we keep trying. Leave the page open.",
  ended: () => "Not saved: your session has ended. Your text is still here. Copy it, then open this activity again from your course.",
  refused: (detail) => `Not saved. ${detail || "The server did not accept this draft."} Your text is still here.`,
  conflict: () => "Not saved: a newer version was saved on another device. Choose which one to keep.",
};

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

  const tell = (state, ...words) => {
    status.dataset.state = state === "ended" || state === "conflict" ? "refused" : state;
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
      tell("offline");
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
    if ([401, 403, 410].includes(response.status)) { stopped = true; return tell("ended"); }
    if (response.status === 413) return tell("refused", "The text is too long.");
    if (response.status < 500 && response.status !== 429) return tell("refused", body.detail);
    throw new Error("try again later");
  }

  function accept(body, content) {
    delay = FIRST_RETRY;
    last = JSON.stringify(content);
    setRevision(body.revision);
    tell("saved", clock(body.saved_at));
    if (changed()) later(WAIT_AFTER_TYPING);
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
      tell("saved", clock(body.saved_at));
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

  form.addEventListener("input", () => later(WAIT_AFTER_TYPING));
  form.addEventListener("submit", () => { stopped = true; clearTimeout(timer); });
  form.addEventListener("waymark:not-sent", () => { stopped = false; later(0); });
  const signal = pageSignal();
  window.addEventListener("pageshow", (event) => { if (event.persisted) stopped = false; }, { signal });
  window.addEventListener("online", () => later(0), { signal });
  // Leaving: the last words go out at once, and outlive the page (see keepalive below).
  beforeLeaving(finish);
  window.addEventListener("pagehide", save, { signal });
  document.addEventListener("visibilitychange", () => { if (document.visibilityState === "hidden") save(); }, { signal });
  window.addEventListener("beforeunload", (event) => {
    if (!stopped && status.dataset.state === "offline" && changed()) event.preventDefault();
  }, { signal });
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

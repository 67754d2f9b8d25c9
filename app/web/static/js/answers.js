// What was chosen or written and not sent yet, kept on this device for what it is about: a try at a knowledge check, a piece
// of work that is being marked, a decision that is appealed against. The questions of another try are drawn anew, so what
// was kept for one is never put into another. Without this script the form works as it is.
import { forget, forgetOld, keep, recall } from "./draft_kept.js";
import { sessionFetch } from "./carrier_session.js";

const SENDING = "waymark-sending"; // what was sent last from this tab: the page that comes next says whether it arrived
const KINDS = new Set(["radio", "textarea", "text", "date"]);
const answers = {
  restored: "The answers you had chosen on this device are put back. They are not sent yet.",
  are: "Your answers are",
  again: "Send them again in a moment.",
  back: "Open this activity again from your course, and they are put back.",
  lost: "Note them down, then open this activity again from your course.",
};
const writing = {
  restored: "What you had chosen or written on this device is put back. It is not sent yet.",
  are: "What you wrote is",
  again: "Send it again in a moment.",
  back: "Open this page again from your LMS, and it is put back.",
  lost: "Copy it, then open this page again from your LMS.",
};
const sentences = {
  restored: (of) => of.restored,
  asking: () => "Sending…",
  offline: (of, kept) => `Not sent: we cannot reach Waymark just now. ${of.are} ${kept ? "kept on this device" : "still on this page; leave it open"}. ${of.again}`,
  ended: (of, kept) => `Not sent: your session has ended. ${of.are}${kept ? ` kept on this device. ${of.back}` : ` still on this page and could not be kept on this device. ${of.lost}`}`,
};

forgetOld();
const sending = ofThisTab((storage) => { const name = storage.getItem(SENDING); storage.removeItem(SENDING); return name; });
if (sending && document.querySelector("[data-answers-done]")) forget(sending);
for (const sent of document.querySelectorAll("[data-answers-sent]")) forget(sent.dataset.answersSent);
for (const form of document.querySelectorAll("form[data-answers-keep]")) startKeeping(form);

function startKeeping(form) {
  const status = form.querySelector("[data-answers-status]");
  const name = form.dataset.answersKeep;
  const about = (form.elements.attempt ?? form.elements.about)?.value;
  const revision = about ?? asRendered(form);
  const words = form.elements.attempt ? answers : writing;
  let isKept = false;
  let isAsking = false;
  let mayLeave = false;

  const tell = (state) => {
    status.dataset.state = { restored: "saved", asking: "saving", ended: "refused" }[state] ?? state;
    status.textContent = sentences[state](words, isKept);
  };
  const remember = () => { isKept = keep(name, chosen(form), revision) ?? false; };

  function restore() {
    const kept = recall(name);
    if (!kept) return;
    if (about !== undefined && kept.revision !== about) { forget(name); return; }
    isKept = true;
    // Where nothing was stored since, what was kept is the newer one.
    const isNewer = about === undefined && kept.revision === revision;
    if (putBack(form, kept.content, isNewer)) tell("restored");
    else if (form.hasAttribute("data-answers-stored")) { isKept = false; forget(name); return; }
    if (kept.revision !== revision) remember();
  }

  form.addEventListener("input", remember);
  form.addEventListener("change", remember);
  // Asked first whether anybody answers and the session still is: the browser's own error page would take this one away.
  form.addEventListener("submit", async (event) => {
    if (mayLeave) { mayLeave = false; return; }
    event.preventDefault();
    event.stopImmediatePropagation();
    if (isAsking) return;
    isAsking = true;
    remember();
    tell("asking");
    const trouble = await troubleOnTheWay(form.dataset.answersAsk);
    isAsking = false;
    if (trouble) { tell(trouble); return; }
    ofThisTab((storage) => storage.setItem(SENDING, name));
    mayLeave = true;
    form.requestSubmit(event.submitter);
  });
  restore();
}

async function troubleOnTheWay(address) {
  try {
    const { status } = await sessionFetch(address, { credentials: "same-origin", cache: "no-store" });
    if ([401, 403, 410].includes(status)) return "ended";
    return status >= 500 ? "offline" : undefined;
  } catch {
    return "offline";
  }
}

function work(form) {
  return [...form.elements].filter((field) => field.name && KINDS.has(field.type));
}

function chosen(form) {
  const given = work(form).filter((field) => field.type !== "radio" || field.checked);
  return Object.fromEntries(given.map((field) => [field.name, field.value]));
}

// What the server has stored, as its page shows it: the comment on the whole is stored with a decision only.
function asRendered(form) {
  const given = work(form).filter((field) => (field.type === "radio" ? field.defaultChecked : field.name !== "comment"));
  return JSON.stringify(given.map((field) => [field.name, field.type === "radio" ? field.value : field.defaultValue]));
}

// What the page itself says stays, unless what was kept is newer; the rest is filled in.
function putBack(form, content, isNewer) {
  const known = chosen(form);
  let count = 0;
  for (const field of work(form)) {
    const value = content[field.name];
    if (value === undefined || value === known[field.name] || (!isNewer && known[field.name])) continue;
    if (field.type !== "radio") field.value = value;
    else if (field.value === value) field.checked = true;
    else continue;
    count += 1;
  }
  return count > 0;
}

function ofThisTab(action) {
  try {
    return action(window.sessionStorage);
  } catch {
    return undefined;
  }
}

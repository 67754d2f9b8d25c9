// Answers chosen and not sent yet, kept on this device for the try they belong to. The questions of another try are
// drawn anew, so what was kept for one is never put into another. Without this script the form works as it is.
import { forget, forgetOld, keep, recall } from "./draft_kept.js";
import { sessionFetch } from "./carrier_session.js";

const sentences = {
  restored: () => "The answers you had chosen on this device are put back. They are not sent yet.",
  asking: () => "Sending…",
  offline: (kept) => `Not sent: we cannot reach Waymark just now. Your answers are ${kept ? "kept on this device" : "still on this page; leave it open"}. Send them again in a moment.`,
  ended: (kept) => kept
    ? "Not sent: your session has ended. Your answers are kept on this device. Open this activity again from your course, and they are put back."
    : "Not sent: your session has ended. Your answers could not be kept on this device. Note them down, then open this activity again from your course.",
};

forgetOld();
for (const sent of document.querySelectorAll("[data-answers-sent]")) forget(sent.dataset.answersSent);
for (const form of document.querySelectorAll("form[data-answers-keep]")) startKeeping(form);

function startKeeping(form) {
  const status = form.querySelector("[data-answers-status]");
  const name = form.dataset.answersKeep;
  const attempt = form.elements.attempt.value;
  let isKept = false;
  let isAsking = false;
  let mayLeave = false;

  const tell = (state) => {
    status.dataset.state = { restored: "saved", asking: "saving", ended: "refused" }[state] ?? state;
    status.textContent = sentences[state](isKept);
  };
  const remember = () => { isKept = keep(name, chosen(form), attempt) ?? false; };

  function restore() {
    const kept = recall(name);
    if (!kept) return;
    if (kept.revision !== attempt) { forget(name); return; }
    isKept = true;
    if (putBack(form, kept.content)) tell("restored");
  }

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

function choices(form) {
  return [...form.elements].filter((field) => field.type === "radio");
}

function chosen(form) {
  return Object.fromEntries(choices(form).filter((field) => field.checked).map((field) => [field.name, field.value]));
}

// What the page itself says was chosen stays; the rest is filled in.
function putBack(form, content) {
  const known = chosen(form);
  const missing = choices(form).filter((field) => !(field.name in known) && content[field.name] === field.value);
  for (const field of missing) field.checked = true;
  return missing.length > 0;
}

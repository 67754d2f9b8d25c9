// Sends a file without leaving the page, so that it stays chosen while the answer is read: what was found in it, or why
// it is not taken. Works with either carrier of the session; without this script the form is sent as any other.
import { pageSignal } from "./carrier_life.js";
import { showProblem, tell } from "./carrier_notice.js";
import { sessionFetch } from "./carrier_session.js";

const REGION = "upload";
let busy = false;

// Before the carrier's own listener, which leaves alone what is prevented.
document.addEventListener("submit", onSubmit, { capture: true, signal: pageSignal() });

function onSubmit(event) {
  const form = event.target;
  if (!form.matches("form[data-upload]")) return;
  event.preventDefault();
  if (!busy) send(form);
}

async function send(form) {
  const input = form.querySelector("input[type=file]");
  const status = form.querySelector("[data-upload-status]");
  const mostMb = Number(form.dataset.mostMb);
  if (!input.files.length) return say(status, "Please choose a file first.", input);
  if (input.files[0].size > mostMb * 1_000_000) {
    return say(status, `This file has ${Math.ceil(input.files[0].size / 1_000_000)} MB; at most ${mostMb} MB are taken. Send a smaller picture, or save it as PDF with fewer pages.`, input);
  }
  busy = true;
  say(status, "Sending and checking your file…");
  try {
    const response = await sessionFetch(form.action, { method: "POST", body: new FormData(form), headers: { Accept: "text/html" }, cache: "no-store" });
    show(new DOMParser().parseFromString(await response.text(), "text/html"), input, response.ok);
  } catch {
    say(status, "");
    tell("We cannot reach Waymark just now", "Your file is still chosen. Check your connection and try again.", () => send(form));
  } finally {
    busy = false;
  }
}

function show(next, input, stored) {
  const region = next.getElementById(REGION);
  const problem = next.querySelector(".error-page");
  if (!region) {
    if (!problem) throw new Error("not a page of ours");
    showProblem(problem);
    return;
  }
  document.getElementById("carrier-notice")?.remove();
  const fresh = document.adoptNode(region);
  // What was not stored stays chosen: the same control moves into the new form.
  if (!stored) fresh.querySelector("form[data-upload] input[type=file]")?.replaceWith(input);
  const pictures = [...fresh.querySelectorAll("img[src]")].map((picture) => [picture, picture.getAttribute("src")]);
  for (const [picture] of pictures) picture.removeAttribute("src");
  document.getElementById(REGION).replaceWith(fresh);
  for (const [picture, address] of pictures) fill(picture, address);
  const told = fresh.querySelector(".notice");
  if (told) {
    told.tabIndex = -1;
    told.focus();
  }
}

// Asked for with the session's header where no cookie comes back.
async function fill(picture, address) {
  const response = await sessionFetch(address).catch(() => undefined);
  if (!response?.ok) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => { picture.src = reader.result; });
  reader.readAsDataURL(await response.blob());
}

function say(status, words, input) {
  status.textContent = words;
  input?.focus();
}

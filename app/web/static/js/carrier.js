// The page's own navigation, for browsers that return no cookie to the LMS's frame: links, forms, redirects, downloads
// and the way back go by `fetch`, which carries the session's token in a header. Whatever leads out of the session's
// pages is left to the browser.
import { isDownload, save } from "./carrier_download.js";
import { requestOf } from "./carrier_form.js";
import { sayGoodbye } from "./carrier_life.js";
import { clear, sayUnderWay, showProblem, tell } from "./carrier_notice.js";
import { show } from "./carrier_page.js";
import { isOfSession, sessionFetch } from "./carrier_session.js";

const entries = new Map(); // how far each entry of the history was scrolled, by its number
let entry = 0; // the one that is shown
let newest = 0;
let base = location.href; // the page's own address; the history has another one if a form was answered with a page
let inHistory = page(base);
let underWay; // the request that is being made

export function begin(root) {
  history.scrollRestoration = "manual";
  document.addEventListener("click", onClick);
  document.addEventListener("submit", onSubmit);
  window.addEventListener("popstate", onPopState);
  return visit({ url: new URL(root, base), method: "GET", replaces: true });
}

function onClick(event) {
  const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
  if (event.defaultPrevented || event.button !== 0 || !link) return;
  const url = new URL(link.getAttribute("href"), base);
  if (!isOfSession(url) || (url.hash && page(url) === page(base))) return;
  // A new tab could not carry the header, so a link that asks for one stays here.
  event.preventDefault();
  visit({ url, method: "GET", from: link, name: link.getAttribute("download") });
}

function onSubmit(event) {
  const { target: form, submitter } = event;
  if (event.defaultPrevented || !isOfSession(requestOf(form, submitter, base).url)) return;
  event.preventDefault();
  if (underWay?.form === form) return; // a second click while the first one is on its way
  visit({ form, from: submitter });
}

function onPopState(event) {
  if (page(location.href) === inHistory) return; // to another place of the same page
  visit({ url: new URL(location.href), method: "GET", to: event.state?.waymark ?? 0 });
}

async function visit(asked) {
  underWay?.abort.abort();
  const mine = { form: asked.form, abort: new AbortController() };
  underWay = mine;
  const done = sayUnderWay(asked.from);
  try {
    await sayGoodbye();
    if (mine.abort.signal.aborted) return;
    // Read only now: a draft that was just saved has given its form a new revision.
    const request = asked.form ? { ...asked, ...requestOf(asked.form, asked.from, base) } : asked;
    const response = await sessionFetch(request.url, {
      method: request.method,
      body: request.body,
      headers: { Accept: "text/html" },
      cache: "no-store",
      signal: mine.abort.signal,
    });
    await understand(response, request, mine.abort.signal);
  } catch {
    if (mine.abort.signal.aborted) return;
    notSent(asked);
    tell("We cannot reach Waymark just now", "Nothing on this page is lost. Check your connection and try again.", () => visit(asked));
  } finally {
    done();
    if (underWay === mine) underWay = undefined;
  }
}

async function understand(response, request, signal) {
  if (isDownload(response)) {
    if (response.ok) return save(response, request.name);
    const { title, detail } = await response.json();
    return tell(title, detail);
  }
  const next = new DOMParser().parseFromString(await response.text(), "text/html");
  if (signal.aborted) return undefined;
  if (!next.getElementById("main")) throw new Error("not a page of ours");
  const problem = request.method === "POST" && !response.ok ? next.querySelector(".error-page") : null;
  if (problem) {
    notSent(request);
    return showProblem(problem);
  }
  clear();
  enter(response, request);
  return show(next, { base, hash: request.url.hash, top: request.to === undefined ? 0 : (entries.get(request.to) ?? 0) });
}

// Where the browser would be now. A form that is answered with a page has no address of its own to come back to.
function enter(response, request) {
  entries.set(entry, window.scrollY);
  base = response.url;
  if (request.to !== undefined) entry = request.to;
  else if (request.method === "GET" || response.redirected) {
    const replaces = request.replaces || page(base) === inHistory;
    if (!replaces) newest = entry = newest + 1;
    history[replaces ? "replaceState" : "pushState"]({ waymark: entry }, "", base + (response.redirected ? "" : request.url.hash));
  }
  inHistory = page(location.href);
}

// What was typed is still to be saved: the form's own script goes on with it.
function notSent(request) {
  request.form?.dispatchEvent(new Event("waymark:not-sent"));
}

function page(address) {
  const url = new URL(address);
  url.hash = "";
  return url.href;
}

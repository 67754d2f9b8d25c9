// Shows a page that was fetched in place of the one that is shown, as if the browser had gone there: title, language,
// styles, scripts, focus and scroll.
import { endPage } from "./carrier_life.js";
import { isOfSession, sessionFetch } from "./carrier_session.js";

const SCRIPTS = "/static/js/";
let pages = 0;

export async function show(next, { base, hash = "", top = 0 }) {
  const scripts = [...next.querySelectorAll("script[src]")].map((script) => script.getAttribute("src"));
  const pictures = setAside(next, base);
  await addStyles(next);
  endPage();
  for (const { name, value } of next.documentElement.attributes) document.documentElement.setAttribute(name, value);
  document.title = next.title;
  document.body.replaceWith(document.adoptNode(next.body));
  arrive(hash, top);
  for (const [picture, address] of pictures) fill(picture, address);
  run(scripts);
}

// Focus goes to the main part, so that a screen reader goes on reading there; but it is not taken away from the LMS.
function arrive(hash, top) {
  const named = hash ? document.getElementById(decodeURIComponent(hash.slice(1))) : null;
  if (document.hasFocus()) document.getElementById("main")?.focus({ preventScroll: true });
  if (named) named.scrollIntoView();
  else window.scrollTo({ top, behavior: "instant" });
}

// Modules run once for each address, so each page gets addresses of its own.
function run(scripts) {
  pages += 1;
  for (const address of scripts) {
    // A script that cannot be had leaves the page as it is without scripts, which works too.
    if (address.startsWith(SCRIPTS)) import(`${address}?page=${pages}`).catch(() => {});
  }
}

function addStyles(next) {
  const known = new Set([...document.querySelectorAll("link[rel=stylesheet]")].map((link) => link.getAttribute("href")));
  const missing = [...next.querySelectorAll("link[rel=stylesheet]")].filter((link) => !known.has(link.getAttribute("href")));
  return Promise.all(missing.map((link) => new Promise((resolve) => {
    const ours = document.importNode(link);
    ours.addEventListener("load", resolve);
    ours.addEventListener("error", resolve);
    document.head.append(ours);
  })));
}

// The browser would ask for a session's picture without the header, so its address is taken off until it was fetched.
function setAside(next, base) {
  const found = [];
  for (const picture of next.querySelectorAll("img[src]")) {
    const address = new URL(picture.getAttribute("src"), base);
    if (!isOfSession(address)) continue;
    picture.removeAttribute("src");
    found.push([picture, address]);
  }
  return found;
}

async function fill(picture, address) {
  const response = await sessionFetch(address).catch(() => undefined);
  if (!response?.ok) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => { picture.src = reader.result; });
  reader.readAsDataURL(await response.blob());
}

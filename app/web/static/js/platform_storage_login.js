// On the page between login and platform: leaves the login's secret with the platform, then goes on. A browser that
// returns no cookie, in a platform that keeps nothing for us, is offered a window of its own at once: once the platform
// has answered this login, it may not answer it a second time.
import { offerNewWindow, placeIn, put } from "./platform_storage.js";

const page = document.querySelector("[data-login]");
const kept = put(placeIn(page), page.dataset.storageValue);
const cookieReturned = await askForCookie().catch(() => undefined);
if (cookieReturned === false && (await kept) === undefined) offerNewWindow(page);
else {
  if (!cookieReturned) await kept;
  location.replace(page.querySelector("[data-onward]").href);
}

async function askForCookie() {
  const response = await fetch(page.dataset.login, { headers: { Accept: "application/json" }, cache: "no-store" });
  return response.ok ? (await response.json()).returned : undefined;
}

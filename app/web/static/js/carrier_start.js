// The launch was good, and the login's cookie did not come back: the platform's storage may hold the login's secret.
// With it the launch is let in, and from here on the session is carried by a header.
import { begin } from "./carrier.js";
import { carry } from "./carrier_session.js";
import { get, offerNewWindow, placeIn, put } from "./platform_storage.js";

const held = document.querySelector("[data-held]");
const root = await signIn().catch(() => undefined);
if (root) await begin(root);
else offerNewWindow(held);

async function signIn() {
  const place = placeIn(held);
  const secret = await get(place);
  if (secret === undefined) return undefined;
  put(place, null); // of no more use to anybody
  const { handle, code } = await post(held.dataset.held, { handle: held.dataset.handle, secret });
  const { token } = await post("/lti/session", { handle, code });
  return carry(handle, token);
}

async function post(address, fields) {
  const response = await fetch(address, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
  });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return response.json();
}

// The token of a session that no cookie carries: in this module's memory and nowhere else, sent as a header only.
// In pages whose session a cookie carries there is none, and `sessionFetch` is plain `fetch`.
const HEADER = "X-Waymark-Session";
let token;
let root;

// From now on every request below `/at/{handle}/` carries the token, and below `/at/{handle}~M03/`, where a badge is renewed.
export function carry(handle, secret) {
  root = `/at/${handle}`;
  token = secret;
  return `${root}/`;
}

const isBelow = (path) => path.startsWith(`${root}/`) || path.startsWith(`${root}~`);
export const isOfSession = (url) => token !== undefined && url.origin === location.origin && isBelow(url.pathname);

export function sessionFetch(address, options = {}) {
  const url = new URL(address, document.baseURI);
  if (!isOfSession(url)) return fetch(address, options);
  const headers = new Headers(options.headers);
  headers.set(HEADER, token);
  return fetch(url, { ...options, headers, mode: "same-origin" });
}

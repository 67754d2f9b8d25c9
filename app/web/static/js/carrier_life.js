// The life of a page. Where the carrier shows one page after the other in a single document, a page's scripts must end
// with it: they give `pageSignal()` to whatever listens beyond the page, and leave their last words with
// `beforeLeaving`. In ordinary pages the signal is never raised, and the browser's own `pagehide` is the end.
const LONGEST_GOODBYE = 2_000;
let life = new AbortController();
let lastWords = [];

export const pageSignal = () => life.signal;

export const beforeLeaving = (action) => { lastWords.push(action); };

// Lets the page's scripts finish what they are at, so that the next page shows it; the page stays as it is.
export async function sayGoodbye() {
  const late = new Promise((resolve) => { setTimeout(resolve, LONGEST_GOODBYE); });
  await Promise.race([Promise.allSettled(lastWords.map((action) => action())), late]);
}

export function endPage() {
  life.abort();
  life = new AbortController();
  lastWords = [];
}

// What is typed and not saved yet, kept on this device until it is. Where a browser gives no storage, as in many frames,
// nothing is kept and nothing fails: the page itself still holds the text.
const PREFIX = "waymark-unsaved:";
const LONGEST = 7 * 24 * 60 * 60 * 1000;

export function keep(name, content, revision) {
  return withStorage((storage) => {
    storage.setItem(PREFIX + name, JSON.stringify({ content, revision, at: Date.now() }));
    return true;
  });
}

export function recall(name) {
  const kept = withStorage((storage) => JSON.parse(storage.getItem(PREFIX + name)));
  return kept?.content === undefined || kept.content === null ? undefined : kept;
}

export function forget(name) {
  withStorage((storage) => storage.removeItem(PREFIX + name));
}

// A device may be shared: nothing stays for longer than a week, whoever opens a page next. Nor what cannot be read, nor
// what a clock that was wrong dated into next week: it would outlive the rest.
export function forgetOld() {
  withStorage((storage) => {
    for (const name of Object.keys(storage)) {
      if (name.startsWith(PREFIX) && !isRecent(storage.getItem(name))) storage.removeItem(name);
    }
  });
}

function isRecent(text) {
  try {
    return Math.abs(Date.now() - JSON.parse(text).at) < LONGEST;
  } catch {
    return false;
  }
}

function withStorage(action) {
  try {
    return action(window.localStorage);
  } catch {
    return undefined;
  }
}

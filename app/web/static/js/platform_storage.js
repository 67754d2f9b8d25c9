// Keeps a value in the platform's own storage, by messages to its window (1EdTech LTI postMessage Storage 0.1,
// https://www.imsglobal.org/spec/lti-pm-s/v0p1). For browsers that return no cookie to a frame of another site.
// Only windows of the platform's registered origin are spoken to and believed; mobile apps never answer.
const PATIENCE = 1_500;
const ASK_AGAIN = 300; // whoever keeps things there may still be loading

// Where the platform keeps things, as a page of ours says it.
export const placeIn = (element) => ({
  origin: element.dataset.storageOrigin,
  target: element.dataset.storageTarget,
  key: element.dataset.storageKey,
});

// Both resolve to the value that the platform then has under the key, or to undefined: it keeps nothing for us.
export const put = (place, value) => ask(place, "lti.put_data", { value });
export const get = (place) => ask(place, "lti.get_data", {});

// Where neither cookie nor storage works: what the page has ready for that.
export function offerNewWindow(page) {
  page.querySelector("[data-waiting]").remove();
  page.querySelector("[data-new-window]").hidden = false;
}

function ask({ origin, target, key }, subject, content) {
  if (window.parent === window) return Promise.resolve(undefined); // a window of its own: its cookies come back
  return new Promise((resolve) => {
    const messageId = randomId();
    const finish = (value) => {
      clearTimeout(timer);
      clearInterval(pulse);
      window.removeEventListener("message", listen);
      resolve(value);
    };
    const listen = ({ origin: from, data }) => {
      if (from !== origin || data?.subject !== `${subject}.response` || data.message_id !== messageId) return;
      finish(!data.error && typeof data.value === "string" ? data.value : undefined);
    };
    const send = () => {
      try {
        frame(target).postMessage({ subject, message_id: messageId, key, ...content }, origin);
      } catch {
        finish(undefined); // what the platform named is no frame
      }
    };
    const timer = setTimeout(() => finish(undefined), PATIENCE);
    const pulse = setInterval(send, ASK_AGAIN);
    window.addEventListener("message", listen);
    send();
  });
}

// The frame beside ours that the platform named, or the window around us: `origin` above decides which page may read.
function frame(target) {
  if (target === "_parent") return window.parent;
  try {
    return window.parent.frames[target] ?? window.parent;
  } catch {
    return window.parent; // browsers throw where a page of another site has no frame of that name
  }
}

function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// Messages a tool may send to this LMS (1EdTech Client Side postMessages 0.1, postMessage Storage 0.1). One reader for
// the page around the tool and one for the frame that keeps data; each listens to the tool's own windows only.

const LONGEST_KEY = 255;
const LONGEST_VALUE = 4096;
const MOST_ENTRIES = 200;

class Refused extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

// Keeps texts under keys for as long as the page is open.
export class Store {
  #entries = new Map();

  put({ key, value }) {
    if (typeof key !== "string" || !key || (typeof value !== "string" && value !== null)) {
      throw new Refused("bad_request", "key and value must be text");
    }
    if (value === null) {
      this.#entries.delete(key);
    } else {
      const isFull = this.#entries.size >= MOST_ENTRIES && !this.#entries.has(key);
      if (key.length > LONGEST_KEY || value.length > LONGEST_VALUE || isFull) {
        throw new Refused("storage_exhaustion", "this is more than is kept here");
      }
      this.#entries.set(key, value);
    }
    return { key, value };
  }

  get({ key }) {
    if (typeof key !== "string" || !key) throw new Refused("bad_request", "key must be text");
    return { key, value: this.#entries.get(key) ?? null };
  }
}

// Answers messages from `origin` for which `isTool(window)` holds. `answers` maps a subject to a function of the
// message that returns members of the response; a subject of `lti.` that is not there is refused if `refuses`.
export function listen({ origin, isTool, answers, refuses }) {
  window.addEventListener("message", (event) => {
    if (event.origin !== origin || !isTool(event.source)) return;
    const message = read(event.data);
    if (!message || typeof message.subject !== "string" || !message.subject.startsWith("lti.")) return;
    if (!refuses && !Object.hasOwn(answers, message.subject)) return;
    const response = { subject: `${message.subject}.response` };
    if (message.message_id !== undefined) response.message_id = message.message_id;
    try {
      const answer = Object.hasOwn(answers, message.subject) ? answers[message.subject] : null;
      if (!answer) throw new Refused("unsupported_subject", "this frame does not answer that");
      if (typeof message.message_id !== "string" && message.subject.endsWith("_data")) {
        throw new Refused("bad_request", "message_id must be text");
      }
      Object.assign(response, answer(message));
    } catch (error) {
      response.error = { code: error.code ?? "bad_request", message: error.message };
    }
    event.source.postMessage(response, event.origin);
  });
}

// Some tools send text; only objects count for storage.
function read(data) {
  if (typeof data !== "string") return data;
  try {
    return JSON.parse(data);
  } catch {
    return null;
  }
}

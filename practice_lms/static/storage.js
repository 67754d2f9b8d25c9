// The frame beside a tool's frame that keeps data for it.
import { Store, listen } from "/static/post_messages.js";

const { toolOrigin } = document.querySelector("[data-tool-origin]").dataset;
const store = new Store();

function isBesideUs(source) {
  return Array.from({ length: window.parent.length }, (_, at) => window.parent[at]).includes(source);
}

listen({
  origin: toolOrigin,
  isTool: isBesideUs,
  refuses: true,
  answers: {
    "lti.put_data": (message) => store.put(message),
    "lti.get_data": (message) => store.get(message),
  },
});

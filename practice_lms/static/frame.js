// The page around a tool: lets it ask for the height it needs and, where this platform keeps data, says which frame
// does or keeps it itself.
import { Store, listen } from "/static/post_messages.js";

const frame = document.querySelector("iframe[data-tool-origin]");
const storage = frame.dataset.storage;
const store = new Store();

function resize(message) {
  const height = Number.parseInt(message.height, 10);
  if (!Number.isFinite(height)) throw new Error("height must be a number");
  frame.style.height = `${Math.min(Math.max(height, 320), 12000)}px`;
  return {};
}

const answers = { "lti.frameResize": resize };
if (storage) {
  const subjects = ["lti.put_data", "lti.get_data"].map((subject) => ({ subject, frame: storage }));
  const supported = [{ subject: "lti.capabilities" }, { subject: "lti.frameResize" }, ...subjects];
  answers["lti.capabilities"] = () => ({ supported_messages: supported });
}
if (storage === "_parent") {
  answers["lti.put_data"] = (message) => store.put(message);
  answers["lti.get_data"] = (message) => store.get(message);
}
const isTool = (source) => source === frame.contentWindow;
listen({ origin: frame.dataset.toolOrigin, isTool, answers, refuses: storage !== "" });

// The tool may put something away as soon as it opens, so whatever keeps data is there before the tool is.
function open(waiting) {
  const { src } = waiting.dataset;
  delete waiting.dataset.src;
  waiting.src = src;
}
const keeper = document.querySelector("iframe[name][data-src]");
if (keeper) {
  keeper.addEventListener("load", () => {
    const isThere = keeper.contentWindow.location.href !== "about:blank";
    if (isThere && frame.dataset.src) open(frame);
  });
  open(keeper);
} else if (frame.dataset.src) {
  open(frame);
}

// A page of our own in the frame, as after choosing an activity, is not as tall as the tool's was.
frame.addEventListener("load", () => {
  if (frame.contentDocument) frame.style.height = "";
});

// Lets the tool ask for the height its page needs (the lti.frameResize message), and listens to nobody but the tool in our own frame.
const frame = document.querySelector("iframe[data-tool-origin]");

window.addEventListener("message", (event) => {
  if (!frame || event.source !== frame.contentWindow || event.origin !== frame.dataset.toolOrigin) return;
  let message = event.data;
  if (typeof message === "string") {
    try {
      message = JSON.parse(message);
    } catch {
      return;
    }
  }
  if (!message || message.subject !== "lti.frameResize") return;
  const height = Number.parseInt(message.height, 10);
  if (!Number.isFinite(height)) return;
  frame.style.height = `${Math.min(Math.max(height, 320), 12000)}px`;
  const answer = { subject: "lti.frameResize.response" };
  if (message.message_id !== undefined) answer.message_id = message.message_id;
  event.source.postMessage(answer, event.origin);
});

// The tool's registration page says when it is done; then its frame goes and what it entered is shown.
const frame = document.querySelector("iframe[data-tool-origin]");

window.addEventListener("message", (event) => {
  if (event.source !== frame.contentWindow || event.origin !== frame.dataset.toolOrigin) return;
  if (event.data?.subject !== "org.imsglobal.lti.close") return;
  const { next } = frame.dataset;
  frame.remove();
  window.location.assign(next);
});

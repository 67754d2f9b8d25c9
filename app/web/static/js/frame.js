// Inside an LMS frame: tells the parent how tall the page is, so that one scroll bar is enough.
// The message holds a height and nothing else, so it may be sent to any parent.
// In a window of its own a page may use the window's height (see .split--panes).
import { pageSignal } from "./carrier_life.js";

if (window.parent === window) {
  document.documentElement.classList.add("own-window");
} else {
  let told = 0;
  const tell = () => {
    const height = Math.ceil(document.body.getBoundingClientRect().height);
    if (Math.abs(height - told) > 1) {
      told = height;
      window.parent.postMessage({ subject: "lti.frameResize", height }, "*");
    }
  };
  const observer = new ResizeObserver(tell);
  observer.observe(document.body);
  pageSignal().addEventListener("abort", () => observer.disconnect());
  tell();
}

// The LMS that opened this page closes it when it is told to (LTI Dynamic Registration 1.0). The message holds nothing,
// so it may be sent to whoever opened or frames the page. Any sign that somebody reads ends the countdown.
const box = document.querySelector("[data-close]");
const listener = window.opener ?? (window.parent === window ? null : window.parent);

if (box && listener) {
  const find = (name) => box.querySelector(`[data-close-${name}]`);
  const signs = ["keydown", "pointerdown", "wheel", "touchstart", "focusin"];
  let seconds = Number(box.dataset.closeSeconds ?? 0);
  let timer = 0;

  const say = (text) => {
    const words = document.createElement("p");
    words.textContent = text;
    find("status").replaceChildren(words);
  };
  const stop = () => {
    clearInterval(timer);
    for (const sign of signs) removeEventListener(sign, read);
    find("running")?.remove();
    if (find("keep") && document.activeElement === find("keep")) find("now").focus();
    find("keep")?.remove();
  };
  const stayOpen = () => {
    stop();
    say("This page stays open until you close it.");
  };
  // A press on one of the two buttons is its own answer; were anything moved before its end, it would hit nothing.
  const read = (event) => {
    if (!box.contains(event.target)) stayOpen();
  };
  const close = () => {
    stop();
    say("If this page is still here, you can close it yourself.");
    listener.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
  };

  box.hidden = false;
  document.querySelector("[data-close-by-hand]").hidden = true;
  find("now").addEventListener("click", close);
  find("keep")?.addEventListener("click", stayOpen);
  if (seconds > 0) {
    for (const sign of signs) addEventListener(sign, read, { passive: true });
    timer = setInterval(() => {
      seconds -= 1;
      find("left").textContent = seconds === 1 ? "1 second" : `${seconds} seconds`;
      if (seconds <= 0) close();
    }, 1000);
  }
}

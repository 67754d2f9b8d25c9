// What the carrier has to say while the page stays: that something is under way, or that it did not work.
const PAUSE = 400; // quick answers need no word
const BOX = "carrier-notice";

export function sayUnderWay(clicked) {
  const status = element("p", "visually-hidden");
  status.setAttribute("role", "status");
  document.body.append(status);
  const timer = setTimeout(() => { status.textContent = "Loading…"; }, PAUSE);
  clicked?.classList.add("underway");
  return () => {
    clearTimeout(timer);
    status.remove();
    clicked?.classList.remove("underway");
  };
}

// What an error page says, as a notice above the page that it concerns, so that what was typed there is not lost.
export function showProblem(problem) {
  const words = (selector) => [...problem.querySelectorAll(selector)].map((each) => each.textContent.trim());
  const [title] = words("h1");
  const action = problem.querySelector("a[href]");
  return notice(title, [...words(".lead"), ...words("dd"), ...words(".small")], action ? [document.adoptNode(action)] : []);
}

export function tell(title, text, again) {
  return notice(title, [text], again ? [button("Try again", again)] : []);
}

export function clear() {
  document.getElementById(BOX)?.remove();
}

function notice(title, texts, actions) {
  clear();
  const box = element("section", "notice tone-caution");
  box.id = BOX;
  box.setAttribute("role", "alert");
  box.setAttribute("aria-label", title);
  box.tabIndex = -1;
  const body = element("div", "notice__body stack stack--s");
  body.append(element("p", "notice__title", title), ...texts.map((text) => element("p", "", text)), ...actions);
  box.append(body);
  document.getElementById("main").prepend(box);
  if (document.hasFocus()) box.focus();
}

function button(text, onClick) {
  const made = element("button", "button button--secondary", text);
  made.type = "button";
  made.addEventListener("click", onClick);
  return made;
}

function element(tag, name, text = "") {
  const made = document.createElement(tag);
  made.className = name;
  made.textContent = text;
  return made;
}

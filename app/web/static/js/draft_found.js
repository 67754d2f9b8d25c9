// What the scan found in a draft, said beside the field as soon as it is saved. The text and the focus stay as they are.

// `found`: by field what was found in it; a field without is mended.
export function showFound(form, found) {
  const template = form.querySelector("template[data-found-template]");
  if (!found || !template) return;
  for (const place of form.querySelectorAll("[data-found]")) {
    const items = (found[place.dataset.found] ?? []).map(item);
    // Said once: what stands there already is not read out again with every save.
    if (marks(items) === marks([place])) continue;
    if (!items.length) { place.replaceChildren(); continue; }
    const shown = template.content.cloneNode(true);
    shown.querySelector("ul").append(...items);
    place.replaceChildren(shown);
  }
}

function marks(elements) {
  return JSON.stringify(elements.flatMap((each) => [...each.querySelectorAll("mark.found")].map((mark) => mark.textContent)));
}

function item({ kind, words, sure, reason }) {
  const line = document.createElement("li");
  const written = made("span", "written");
  const mark = made("mark", "found", words);
  mark.append(made("span", "visually-hidden", ` (look at this: ${kind})`));
  written.append(mark);
  const what = made("strong", "", sure ? `${kind[0].toUpperCase()}${kind.slice(1)}.` : `Perhaps: ${kind}.`);
  line.append(written, document.createElement("br"), what, ` ${reason}`);
  return line;
}

function made(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.textContent = text;
  return element;
}

// Shows two versions of a draft side by side and waits until the writer picks one.

// Resolves to "mine" or "theirs". `mine` and `theirs` are a text or an object of fields.
export function askWhich({ inside, mine, theirs, savedAt, mineTitle = "On this screen", mineLabel = "Keep what is on this screen" }) {
  return new Promise((resolve) => {
    const box = document.createElement("section");
    box.className = "draft-conflict";
    box.setAttribute("role", "alert");
    box.setAttribute("aria-label", "Two versions of your text");
    box.tabIndex = -1;
    const intro = document.createElement("p");
    intro.textContent = "Another device saved this activity after you opened it here. Nothing is lost: pick the version to go on with. You can copy from the other one first.";
    const versions = document.createElement("div");
    versions.className = "draft-conflict__versions";
    const choose = (choice) => { box.remove(); resolve(choice); };
    versions.append(
      version(mineTitle, mine, mineLabel, () => choose("mine")),
      version(`Saved elsewhere, ${savedAt}`, theirs, "Use the other version", () => choose("theirs")),
    );
    box.append(intro, versions);
    // Below the buttons, and focus on the box itself: a tap or a key on its way to "Save" must not choose a version.
    inside.append(box);
    box.focus();
  });
}

function version(title, content, label, onChoose) {
  const part = document.createElement("div");
  part.className = "draft-conflict__version";
  const heading = document.createElement("strong");
  heading.textContent = title;
  const text = document.createElement("div");
  text.className = "draft-conflict__text";
  text.tabIndex = 0;
  text.textContent = inWords(content);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button button--secondary";
  button.textContent = label;
  button.addEventListener("click", onChoose);
  part.append(heading, text, button);
  return part;
}

function inWords(content) {
  if (typeof content === "string") return content || "(empty)";
  const filled = Object.values(content ?? {}).flat().filter(Boolean);
  return filled.join("\n\n") || "(empty)";
}

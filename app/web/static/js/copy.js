// Gives each read-only link or line a button that copies it. Where the clipboard is closed (some frames), the text is selected.
for (const box of document.querySelectorAll("[data-copy]")) {
  const input = box.querySelector("input, textarea");
  const button = box.querySelector("[data-copy-button]");
  const status = box.querySelector("[data-copy-status]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(input.value);
      status.textContent = "Copied. You can paste it anywhere.";
    } catch {
      input.focus();
      input.select();
      status.textContent = "Your browser would not let us copy. It is selected: copy it from here.";
    }
  });
}

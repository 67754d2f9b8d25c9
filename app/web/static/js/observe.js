// Puts today's date in the observer's own zone where the server could only put UTC's, and opens the comment where one is needed.
for (const input of document.querySelectorAll("input[data-today]")) {
  if (input.value === input.dataset.today) {
    const today = new Date();
    const two = (number) => String(number).padStart(2, "0");
    input.value = `${today.getFullYear()}-${two(today.getMonth() + 1)}-${two(today.getDate())}`;
  }
}

for (const details of document.querySelectorAll("details[data-comment]")) {
  details.parentElement.addEventListener("change", (event) => {
    if (event.target.type === "radio" && event.target.value === "not yet") details.open = true;
  });
}

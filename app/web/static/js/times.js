// Rewrites a server's time of day in the reader's own zone. A day is never rewritten: where the moment lies in another
// day for the reader, the server's words stay, which name their zone. So nobody reads two days for one moment.
const style = { day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" };
const two = (number) => String(number).padStart(2, "0");

for (const element of document.querySelectorAll("time[data-time]")) {
  const moment = new Date(element.dateTime);
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  if (day === element.dataset.day) {
    element.textContent = new Intl.DateTimeFormat("en-AU", style).format(moment);
  }
}

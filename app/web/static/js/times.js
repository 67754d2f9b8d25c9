// Rewrites the server's UTC times in the reader's own zone. Dates without a time of day stay as they are.
const styles = {
  datetime: { day: "numeric", month: "long", year: "numeric", hour: "numeric", minute: "2-digit", timeZoneName: "short" },
  date: { day: "numeric", month: "long", year: "numeric" },
};

for (const element of document.querySelectorAll("time[data-time]")) {
  const moment = new Date(element.dateTime);
  const hasTimeOfDay = element.dateTime.includes("T");
  if (hasTimeOfDay && !Number.isNaN(moment.valueOf())) {
    element.textContent = new Intl.DateTimeFormat("en-AU", styles[element.dataset.time]).format(moment);
  }
}

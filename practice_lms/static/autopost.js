// Sends the page's one form at once; with scripts off its button does the same.
document.querySelector("form[data-autopost]").submit();

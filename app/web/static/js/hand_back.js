// Posts the answer to the LMS at once; the button is for browsers that run no scripts.
document.querySelector("form[data-hand-back]")?.submit();

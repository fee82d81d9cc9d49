// Takes a signed answer back to the LMS; the button beside it does the same by hand.
const begin = () => document.querySelector("form[data-auto-post]")?.requestSubmit();
document.addEventListener("masterybridge:shown", begin);
begin();

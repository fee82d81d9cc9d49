// A button that prints the page; without this script it stays hidden.
function begin() {
  for (const button of document.querySelectorAll("button[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}

document.addEventListener("masterybridge:shown", begin);
begin();

// Narrows the list of competencies while somebody types. Without it the Find button
// does the same; what is ticked stays in sight either way.
function begin() {
  const list = document.querySelector(".offered[data-live]");
  if (!list) return;
  const form = list.closest("form"), search = form.elements.words, told = form.querySelector("[data-count]");
  const rows = [...list.querySelectorAll("label")].map((label) => ({
    label, box: label.querySelector("input"),
    text: `${label.textContent} ${label.closest("fieldset").querySelector("legend").textContent}`.toLocaleLowerCase(),
  }));
  const narrow = () => {
    const words = search.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const { label, box, text } of rows) {
      label.hidden = !box.checked && !words.every((word) => text.includes(word));
      shown += label.hidden ? 0 : 1;
    }
    for (const area of list.querySelectorAll("fieldset")) {
      area.hidden = !area.querySelector("label:not([hidden])");
    }
    told.textContent = told.dataset.count.replace("{n}", shown);
  };
  // A disabled default button: Enter in a box sends nothing half chosen.
  form.elements.find.hidden = form.elements.find.disabled = true;
  search.addEventListener("input", narrow);
  if (search.value) narrow();
}

document.addEventListener("masterybridge:shown", begin);
begin();

// The button says how many are ticked, and what was worked out before says that it is
// old. Without this the button says what the server saw.
function arm() {
  const form = document.querySelector("form[data-accepts]");
  if (!form || form.dataset.armed) return;
  form.dataset.armed = "yes";
  const words = JSON.parse(form.dataset.accepts), button = form.querySelector("[data-accept]");
  const ticks = () => form.querySelectorAll("input[name^=tick-]:checked").length;
  const told = () => { button.textContent = words[ticks()]; };
  form.addEventListener("change", (event) => {
    // Who chooses or names a competency for a line means that line.
    const line = event.target.closest("li")?.querySelector("input[name^=tick-]");
    if (line && (event.target.type === "radio" || event.target.list) && event.target.value) line.checked = true;
    told();
    for (const one of form.querySelectorAll("[data-effect]")) one.hidden = true;
    form.querySelector("[data-old]").hidden = false;
  });
  told();
}
document.addEventListener("masterybridge:shown", arm);
arm();

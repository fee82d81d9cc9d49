// What makes the administrators' pages quicker; all of them work without it.
const said = document.createElement("p");
said.className = "hidden";
said.setAttribute("role", "status");
document.body.append(said);

async function copy(button) {
  const field = document.getElementById(button.dataset.copy);
  try { await navigator.clipboard.writeText(field.value); } catch {
    field.select();
    document.execCommand("copy");
  }
  const words = button.innerHTML;
  button.textContent = said.textContent = button.dataset.done;
  setTimeout(() => { button.innerHTML = words; said.textContent = ""; }, 2000);
}

function arm(part) {
  for (const button of part.querySelectorAll("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", () => copy(button));
  }
}
arm(document);

// One box ticks all of a list, or none of it.
for (const all of document.querySelectorAll("[data-ticks]")) {
  const boxes = () => [...document.getElementsByName(all.dataset.ticks)];
  all.closest("label").hidden = false;
  all.addEventListener("change", () => { for (const one of boxes()) one.checked = all.checked; });
  document.addEventListener("change", (event) => {
    if (event.target.name === all.dataset.ticks) all.checked = boxes().every((one) => one.checked);
  });
}

// A part of the page that waits for something asks again until it has come.
const STEP = 3000, PATIENCE = 600;
function settle(part) {
  const next = part.querySelector("a[data-go]");
  if (next) location.replace(next.href);
  else if (part.querySelector("[data-reload]")) location.reload();
}
function tell(part) {
  const words = part.querySelector("[data-say]")?.dataset.say;
  if (words && words !== said.textContent) said.textContent = words;
}
async function look(part, round) {
  const step = Number(part.dataset.every) || STEP;
  if (round > PATIENCE * 20 || !part.dataset.poll) return;
  if (!document.hidden) {
    try {
      const answer = await fetch(part.dataset.poll, { headers: { "X-Part": "1" } });
      if (answer.redirected || !answer.ok) return;
      const made = document.createElement("template");
      made.innerHTML = (await answer.text()).trim();
      if (made.innerHTML !== part.innerHTML.trim()) {
        part.innerHTML = made.innerHTML;
        tell(part);
        arm(part);
        const again = part.querySelector("[data-again]");
        if (again) { again.requestSubmit(); return; }
      }
      if (part.querySelector("[data-settled]")) { settle(part); return; }
    } catch { /* away for a moment; it asks again */ }
  }
  setTimeout(() => look(part, round + 1), step);
}
for (const part of document.querySelectorAll("[data-poll]")) look(part, 0);

// A form that begins by itself, and one that takes a while and says so.
document.addEventListener("submit", (event) => {
  const words = event.target.dataset.busy;
  if (!words) return;
  said.textContent = words;
  const button = event.target.querySelector("button");
  button.textContent = words;
  button.setAttribute("aria-disabled", "true");
  event.target.addEventListener("submit", (again) => again.preventDefault());
});
document.querySelector("form[data-auto]")?.requestSubmit();

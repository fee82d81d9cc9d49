// Two minutes before a session ends the page says so, and can be told to stay
// (WCAG 2.2.1). Only a person's own act makes the session longer.
const WARN = 120, SLACK = 60;
const { post } = await import(document.querySelector("script[data-conductor]").src);
let timer = 0, lastsUntil = 0;

const line = () => document.getElementById("leaving");
const parts = () => [...document.querySelectorAll("#leaving > *")];

// Counts anew the seconds that are left to an idle session; more than it lasts at all
// are none.
function count(idle) {
  clearTimeout(timer);
  for (const part of parts()) part.hidden = true;
  const lasts = (lastsUntil - Date.now()) / 1000, left = Math.min(idle, lasts);
  if (line()) timer = setTimeout(warn, Math.max(0, left - WARN) * 1000, lasts <= idle);
}

function warn(isLast) {
  for (const part of parts()) part.hidden = part.hasAttribute("data-last") !== isLast;
}

async function stay() {
  try {
    count((await post("stay", {})).idle);
    document.getElementById("main").focus({ preventScroll: true });
  } catch {
    document.getElementById("fault").hidden = false;
  }
}

function begin() {
  const said = line()?.dataset || {};
  lastsUntil = Date.now() + said.lasts * 1000;
  count(Number(said.idle));
}

document.addEventListener("click", (event) => { if (event.target.closest?.("[data-stay]")) stay(); });
// What came into the page also went through the session; it counts to the minute.
document.addEventListener("htmx:after:swap", () => {
  if (line()) count(line().dataset.idle - SLACK);
});
document.addEventListener("masterybridge:shown", begin);
begin();

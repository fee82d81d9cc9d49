/* The pretend LMS: posts the launch form by itself, and keeps the wire fresh. */
"use strict";

const form = document.querySelector("form[data-auto-post]");
if (form) form.submit();

const list = document.getElementById("wire");

function element(name, text, className) {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function shown(call) {
  const summary = document.createElement("summary");
  summary.append(
    element("time", call.at), " ",
    element("b", call.method), " ",
    element("span", call.path, "path"), " ",
    element("span", String(call.status), `status ${call.status < 400 ? "good" : "bad"}`),
  );
  const details = document.createElement("details");
  details.append(summary);
  for (const [title, text] of [["Sent", call.body], ["Answered", call.answer]]) {
    const pre = element("pre", text || "(nothing)");
    pre.tabIndex = 0;
    details.append(element("h3", title), pre);
  }
  const item = document.createElement("li");
  item.append(details);
  return item;
}

async function freshGrades() {
  const live = document.getElementById("live");
  if (!live) return;
  const answer = await fetch(location.href);
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const newer = page.getElementById("live");
  if (!newer || newer.innerHTML === live.innerHTML) return;
  const wide = live.querySelector(".wide");
  const place = wide ? [wide.scrollLeft, wide.scrollTop] : [0, 0];
  live.replaceChildren(...newer.childNodes);
  live.querySelector(".wide")?.scrollTo(...place);
}

async function listen() {
  try {
    const answer = await fetch(`/wire.json?after=${list.dataset.last}`);
    const calls = await answer.json();
    for (const call of calls) {
      list.prepend(shown(call));
      list.dataset.last = call.number;
    }
    while (list.children.length > 100) list.lastElementChild.remove();
    if (calls.length) {
      document.getElementById("wire-empty").hidden = true;
      document.getElementById("wire-said").textContent = `New on the wire: ${calls.length}`;
      await freshGrades();
    }
  } catch {
    /* The LMS was stopped; the next try tells. */
  }
  setTimeout(listen, 2000);
}

if (list) setTimeout(listen, 1000);

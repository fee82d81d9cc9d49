// The keyboard of the class grid (WAI-ARIA APG, data grid) and its drawer.
// One tab stop; one listener for all cells; the drawer's content comes from the server.
let table = null, drawer = null, close = null, follow = null;

function go(url, replace = false) {
  document.dispatchEvent(new CustomEvent("masterybridge:go", { detail: { url, replace } }));
}

function begin() {
  table = document.querySelector("table[role=grid]");
  drawer = close = follow = null;
  if (!table) return;
  const asked = new URLSearchParams(location.search);
  if (matchMedia("(max-width: 640px)").matches && !asked.has("view")) go(`${table.dataset.one}${asked.get("student") || ""}`, true);
  else start();
}

function start() {
  drawer = document.getElementById("drawer");
  const hint = document.getElementById("hint");
  const rtl = document.documentElement.dir === "rtl";
  const rows = [...table.querySelectorAll("tr:not(.areas)")];
  const columns = [...table.querySelector(".codes").cells];
  const target = (cell) => cell.querySelector("a") || cell;
  const place = (cell) => [rows.indexOf(cell.parentElement), cell.cellIndex];
  table.querySelectorAll("a").forEach((link) => { link.tabIndex = -1; });
  let active = target(rows[2]?.cells[1] || rows[0].cells[0]), opened = null;
  active.tabIndex = 0;

  function stand(element) {
    active.tabIndex = -1;
    active = element;
    active.tabIndex = 0;
  }
  function move(row, column) {
    const line = rows[Math.min(Math.max(row, 0), rows.length - 1)];
    stand(target(line.cells[Math.min(Math.max(column, 0), line.cells.length - 1)]));
    active.focus();
  }
  function jump(letter, row) {
    const begins = (one) => one.closest("tbody") && one.cells[0].textContent.trim().toLocaleLowerCase().startsWith(letter);
    const next = [...rows.slice(row + 1), ...rows.slice(0, row + 1)].find(begins);
    if (next) move(rows.indexOf(next), 0);
  }
  function ids(cell) {
    const person = cell.parentElement.dataset.p, competency = columns[cell.cellIndex]?.dataset.c;
    return person && competency && cell.tagName === "TD" ? [person, competency] : null;
  }
  function say(cell) {
    const parts = [cell.tagName === "TD" ? cell.parentElement.cells[0].textContent : "",
      cell.dataset.say || columns[cell.cellIndex]?.dataset.say || "", cell.getAttribute("aria-label") || ""];
    hint.textContent = parts.filter(Boolean).join(" · ") || hint.dataset.rest;
    hint.classList.toggle("on", parts.some(Boolean));
  }
  function open(cell) {
    if (cell.tagName === "TH" && cell.parentElement.dataset.p) {
      go(table.dataset.one + cell.parentElement.dataset.p);
      return;
    }
    const found = ids(cell);
    if (!found) return;
    drawer.textContent = drawer.dataset.wait;
    drawer.hidden = false;
    htmx.ajax("GET", table.dataset.cells + found.join("/"), { target: "#drawer", swap: "innerHTML" });
  }
  function mark(cell) {
    opened?.classList.remove("at");
    opened = cell;
    opened?.classList.add("at");
  }
  close = () => {
    drawer.hidden = true;
    mark(null);
    active.focus();
  };
  function keys(event) {
    const cell = event.target.closest("td, th");
    if (!cell || event.altKey || event.metaKey) return;
    const [row, column] = place(cell), all = event.ctrlKey, last = rows[0].cells.length - 1;
    const ahead = rtl ? -1 : 1;
    const moves = {
      ArrowRight: [row, column + ahead], ArrowLeft: [row, column - ahead], ArrowDown: [row + 1, column], ArrowUp: [row - 1, column],
      Home: [all ? 0 : row, 0], End: [all ? rows.length - 1 : row, last], PageDown: [row + 10, column], PageUp: [row - 10, column],
    };
    if (moves[event.key]) move(...moves[event.key]);
    else if ((event.key === "Enter" || event.key === " ") && target(cell) !== cell) target(cell).click();
    else if (event.key === "Enter" || event.key === " ") open(cell);
    else if (event.key === "?") { const help = document.getElementById("keys"); help.open = !help.open; }
    else if (event.key.length === 1 && !all) jump(event.key.toLocaleLowerCase(), row);
    else return;
    event.preventDefault();
  }

  table.addEventListener("keydown", keys);
  table.addEventListener("click", (event) => {
    const cell = event.target.closest("td, th");
    if (!cell || event.target.closest("a")) return;
    stand(target(cell));
    active.focus({ preventScroll: true });
    open(cell);
  });
  for (const kind of ["mouseover", "focusin"]) {
    table.addEventListener(kind, (event) => { const cell = event.target.closest("td, th"); if (cell) say(cell); });
  }
  drawer.addEventListener("click", (event) => {
    if (event.target.closest("[data-close]")) { event.preventDefault(); close(); }
  });
  // What an act in the drawer made of the cell shows in the grid at once.
  function renew(cell, fresh) {
    if (!fresh) return;
    cell.className = fresh.className;
    cell.textContent = fresh.textContent;
    cell.setAttribute("aria-label", fresh.getAttribute("aria-label"));
  }
  follow = () => {
    const shown = drawer.querySelector(".cell[data-p]");
    if (!shown) { go(location.href, true); return; }
    const line = rows.find((one) => one.dataset.p === shown.dataset.p);
    const at = columns.findIndex((one) => one.dataset.c === shown.dataset.c);
    if (line && at >= 0) {
      stand(line.cells[at]);
      renew(active, shown.querySelector("template[data-td]")?.content.querySelector("td"));
      mark(active);
      active.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
    drawer.scrollTop = 0;
    (shown.querySelector("[data-say]") || shown.querySelector("h2")).focus();
  };
}

document.addEventListener("keydown", (event) => { if (event.key === "Escape" && drawer && !drawer.hidden) close(); });
// A refusal is a whole page (the session ended): it never enters the drawer.
document.addEventListener("htmx:before:response", (event) => {
  const { status } = event.detail.ctx.response;
  // 422 is the form again with what to mend.
  if (!drawer || status < 400 || status === 422) return;
  event.preventDefault();
  if (status < 500) go(location.href, true);
  else drawer.textContent = drawer.dataset.fault;
});
document.addEventListener("htmx:after:swap", () => follow?.());
document.addEventListener("htmx:error", () => { if (drawer) drawer.textContent = drawer.dataset.fault; });
document.addEventListener("masterybridge:shown", begin);
begin();

// Moves between our pages. Where the browser keeps no cookie this document stays alive
// instead: it holds the key of its seat, in this variable alone, and asks for each page
// with it. It also opens a page in a tab of its own, outside the LMS's frame.
let key = null, storage = null, at = location.href, asked = 0;
const loaded = new Set([...document.scripts].map((one) => one.src));
const framed = window.parent !== window;

const home = () => new URL(document.body.dataset.home || "about:blank", location.href).href;
const isOurs = (url) => url.startsWith(home());
const bare = (url) => url.split("#")[0];
const headers = () => (key ? { "X-MasteryBridge-Key": key } : {});

function fault() {
  const line = document.getElementById("fault");
  if (line) line.hidden = false;
}

// Begins to live in this document with the key of a seat.
export async function enter(secret, url, target) {
  key = secret;
  storage = target;
  await show(url, { how: "replaceState" });
}

// A page that is only read is asked for once more where the network failed.
async function bring(url, body) {
  const ask = () => fetch(url, { method: body ? "POST" : "GET", body, headers: headers() });
  try {
    return await ask();
  } catch (error) {
    if (body) throw error;
    return ask();
  }
}

async function show(url, { body = null, how = "pushState" } = {}) {
  const mine = ++asked, hash = new URL(url, location.href).hash;
  document.documentElement.setAttribute("aria-busy", "true");
  try {
    const answer = await bring(url, body);
    const text = await answer.text();
    if (mine !== asked) return;
    await put(text, hash, () => {
      if (how) history[how]({ storage }, "", answer.url + hash);
      at = location.href;
    });
  } catch {
    if (mine === asked) fault();
  } finally {
    document.documentElement.removeAttribute("aria-busy");
  }
}

// Shows a whole page of ours in this document.
export async function put(text, hash = "", settle = () => {}) {
  const next = new DOMParser().parseFromString(text, "text/html");
  // A server's bare error would leave a document that leads nowhere.
  if (!next.getElementById("main")) throw new Error("not a page of ours");
  const root = document.documentElement;
  for (const name of ["lang", "dir", "class"]) root.setAttribute(name, next.documentElement.getAttribute(name) || "");
  document.title = next.title;
  for (const sheet of next.querySelectorAll("head link[rel=stylesheet]")) dress(sheet);
  document.body.replaceWith(document.adoptNode(next.body));
  settle();
  stand(hash);
  document.dispatchEvent(new CustomEvent("masterybridge:shown", { detail: { hash } }));
  for (const one of next.querySelectorAll("script[src]")) await load(one);
  window.htmx?.process(document.body);
}

function dress(sheet) {
  const worn = [...document.querySelectorAll("head link[rel=stylesheet]")].map((one) => one.href);
  if (!worn.includes(sheet.href)) document.head.append(document.adoptNode(sheet));
}

function stand(hash) {
  const wanted = document.querySelector("[autofocus]"), title = document.querySelector("h1");
  if (wanted) wanted.focus();
  else if (title) {
    title.tabIndex = -1;
    title.focus({ preventScroll: true });
  }
  const place = hash && document.getElementById(hash.slice(1));
  if (place) place.scrollIntoView();
  else scrollTo(0, 0);
}

// A module starts when it is loaded, and again by itself at "masterybridge:shown".
function load(script) {
  if (loaded.has(script.src)) return null;
  loaded.add(script.src);
  if (script.type === "module") return import(script.src);
  return new Promise((done) => {
    const made = document.createElement("script");
    made.src = script.src;
    made.onload = made.onerror = done;
    document.head.append(made);
  });
}

// Posts to an address of the seat; gives what it answers.
export async function post(name, fields) {
  const body = new URLSearchParams({ csrf: document.body.dataset.csrf, ...fields });
  const answer = await fetch(home() + name, { method: "POST", body, headers: headers() });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

// An address that opens one page of the seat once, without cookie or key.
const passage = async (url) => (await post("passage", { path: url.slice(home().length) })).url;

async function openTab(url) {
  const tab = window.open("about:blank", "_blank");
  try {
    tab.opener = null;
    tab.location.replace(await passage(url));
  } catch {
    tab?.close();
    fault();
  }
}

async function fetchFile(url) {
  try {
    location.assign(await passage(url));
  } catch {
    fault();
  }
}

function follow(event) {
  const link = event.target.closest?.("a[href]");
  if (!link || event.defaultPrevented || !isOurs(link.href) || link.hasAttribute("hx-get")) return;
  const apart = event.ctrlKey || event.metaKey || event.shiftKey || event.button === 1;
  if (apart ? !framed : !key || link.target || event.button) return;
  if (!apart && bare(link.href) === bare(at) && link.hash) return;
  event.preventDefault();
  if (link.hasAttribute("data-file")) fetchFile(link.href);
  else if (apart) openTab(link.href);
  else show(link.href);
}

document.addEventListener("click", follow);
document.addEventListener("auxclick", follow);
document.addEventListener("click", (event) => {
  if (event.target.closest?.("[data-new-tab]")) openTab(location.href);
});
document.addEventListener("submit", (event) => {
  const form = event.target, url = new URL(form.getAttribute("action") || at, at);
  if (!key || event.defaultPrevented || !isOurs(url.href)) return;
  event.preventDefault();
  const fields = new URLSearchParams(new FormData(form, event.submitter));
  if (form.method === "post") {
    url.hash ||= form.closest("[id]")?.id || "";
    show(url.href, { body: fields });
  } else {
    url.search = fields;
    show(url.href);
  }
});
// Our own modules go on from here, so that they need not know how.
document.addEventListener("masterybridge:go", ({ detail: { url, replace } }) => {
  if (key) show(new URL(url, at).href, { how: replace ? "replaceState" : "pushState" });
  else if (replace) location.replace(url);
  else location.assign(url);
});
document.addEventListener("htmx:config:request", ({ detail }) => Object.assign(detail.ctx.request.headers, headers()));
addEventListener("popstate", () => {
  if (key && bare(location.href) !== bare(at)) show(location.href, { how: null });
});

function start() {
  for (const one of document.querySelectorAll("[data-new-tab]")) one.hidden = !framed;
}
document.addEventListener("masterybridge:shown", start);
start();

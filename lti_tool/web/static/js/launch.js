// A launch where the browser may keep no cookie. The way is chosen before the LMS is
// asked, since its hint may be good for one use only: the cookie if it comes back, else
// the LMS's own storage (1EdTech lti-cs-oidc, lti-pm-s), else a new tab.
// After WAIT a person is offered a new tab; an LMS busy loading is heard until LIMIT.
const WAIT = 1200, LIMIT = 10_000, AGAIN = 300;

const conductor = () => import(document.querySelector("script[data-conductor]").src);

function frameOf(target) {
  const host = window.parent !== window ? window.parent : window.opener;
  if (target === "_parent" || !host) return host;
  try { return window.parent.frames[target] || host; } catch { return host; }
}

// Asks the LMS's storage, again while it is silent: its page may still be loading. Null
// if it does not answer in time, or says that it failed.
function ask({ target, origin }, message) {
  const frame = frameOf(target);
  if (!frame || !origin) return Promise.resolve(null);
  return new Promise((resolve) => {
    const id = [...crypto.getRandomValues(new Uint32Array(4))].join("-");
    const say = () => frame.postMessage({ ...message, message_id: id }, origin);
    const end = (said) => {
      removeEventListener("message", hear);
      clearInterval(again);
      clearTimeout(timer);
      resolve(said);
    };
    const hear = ({ origin: from, source, data }) => {
      if (from !== origin || source !== frame || data?.message_id !== id) return;
      if (data.subject === `${message.subject}.response`) end(data.error ? null : data);
    };
    const timer = setTimeout(end, LIMIT, null), again = setInterval(say, AGAIN);
    addEventListener("message", hear);
    say();
  });
}

const put = (place, name, value) => ask(place, { subject: "lti.put_data", key: `masterybridge.${name}`, value });

async function value(place, name) {
  const said = await ask(place, { subject: "lti.get_data", key: `masterybridge.${name}` });
  return typeof said?.value === "string" ? said.value : null;
}

// What the page was told; it leaves the document as it is read.
function told(element) {
  const said = { ...element.dataset };
  for (const name of Object.keys(said)) delete element.dataset[name];
  return said;
}

async function comesBack(address) {
  try {
    return (await (await fetch(address, { cache: "no-store" })).json()).held === true;
  } catch {
    return false;
  }
}

async function open(element) {
  const { url, check, target, origin, state, secret } = told(element);
  if (await comesBack(check)) {
    location.replace(url);
    return;
  }
  let chosen = false;
  const stored = target ? put({ target, origin }, state, secret) : Promise.resolve(null);
  // Not after a tab was opened: the hint is good for one of the two.
  const goOn = (said) => { if (said && !chosen) location.replace(url); return said; };
  if (await Promise.race([stored.then(goOn), target && new Promise((done) => setTimeout(done, WAIT, null))])) return;
  document.addEventListener("submit", () => { chosen = true; });
  const page = document.getElementById("wait");
  page.id = "tab";
  page.replaceChildren(document.getElementById("offer").content);
  page.querySelector("h1").focus();
}

async function prove(form) {
  const place = told(form), page = await conductor();
  const fields = new URLSearchParams(new FormData(form)), state = fields.get("state");
  const proof = await value(place, state) || "none";
  const answer = await fetch(form.getAttribute("action"), {
    method: "POST", body: fields, headers: { "X-MasteryBridge-Proof": proof },
  });
  if (answer.redirected) {
    location.replace(answer.url);
  } else if (!answer.ok) {
    await page.put(await answer.text());
  } else {
    const { key, sid, url } = await answer.json();
    put(place, state, null);
    put(place, sid, key);
    await page.enter(key, url, place.target);
  }
}

// After a reload the document has lost its key; the LMS may still hold it.
async function recall(element) {
  const { sid, origin } = told(element), target = history.state?.storage;
  const key = target && await value({ target, origin }, sid);
  if (key) await (await conductor()).enter(key, location.href, target);
}

for (const [name, begin] of Object.entries({ opening: open, proving: prove, recall })) {
  const element = document.getElementById(name);
  if (element) begin(element).catch(() => { document.getElementById("fault")?.removeAttribute("hidden"); });
}

// How the page lives in its host's frame. It speaks only to the origins of its own
// registration, asks first what the host understands, and works when none answers.
const host = window.parent !== window ? window.parent : null;
const WAIT = 500, STEP = 8, LEAST = 450;
let origins = [], known = new Set(), sent = 0, frame = 0, watched = null;

function tell(message) {
  for (const origin of origins) {
    try { host.postMessage(message, origin); } catch { /* another origin frames us */ }
  }
}

function ask(message, answer) {
  return new Promise((resolve) => {
    const id = crypto.randomUUID ? crypto.randomUUID() : String(Math.random());
    const hear = (event) => {
      const said = event.data;
      if (!origins.includes(event.origin) || said?.subject !== answer || said.message_id !== id) return;
      window.removeEventListener("message", hear);
      resolve(said);
    };
    window.addEventListener("message", hear);
    setTimeout(() => { window.removeEventListener("message", hear); resolve(null); }, WAIT);
    tell({ ...message, message_id: id });
  });
}

function grow() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    const height = Math.max(LEAST, Math.ceil(document.body.getBoundingClientRect().height));
    if (Math.abs(height - sent) < STEP) return;
    sent = height;
    tell({ subject: "lti.frameResize", height });
  });
}

async function fit() {
  let height = 800;
  if (known.has("lti.fetchWindowSize")) {
    const size = await ask({ subject: "lti.fetchWindowSize" }, "lti.fetchWindowSize.response");
    const top = size?.offset?.top || 0, foot = size?.footer || 0;
    if (Number.isFinite(size?.height)) height = size.height - top - foot;
  }
  sent = Math.max(LEAST, Math.floor(height));
  tell({ subject: "lti.frameResize", height: sent });
}

// Finds out once what the host understands; a page may bring the first origins later.
async function meet() {
  const named = (document.body.dataset.frames || "").split(" ").filter((one) => one.startsWith("http"));
  if (!named.length || origins.length) return;
  origins = named;
  const said = await ask({ subject: "lti.capabilities" }, "lti.capabilities.response");
  known = new Set((said?.supported_messages || []).map((one) => one.subject));
}

async function live() {
  watched?.disconnect();
  await meet();
  if (!known.has("lti.frameResize")) return;
  if (document.documentElement.classList.contains("fit")) {
    await fit();
    return;
  }
  watched = new ResizeObserver(grow);
  watched.observe(document.body);
}

if (host) {
  document.addEventListener("masterybridge:shown", ({ detail }) => {
    if (known.has("lti.scrollToTop") && !detail.hash) tell({ subject: "lti.scrollToTop" });
    live();
  });
  live();
}

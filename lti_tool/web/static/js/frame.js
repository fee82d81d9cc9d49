// How the page lives in its host's frame. It speaks only to the origins of its own
// registration, asks first what the host understands, and works when none answers.
const origins = (document.body.dataset.frames || "").split(" ").filter((one) => one.startsWith("http"));
const host = window.parent !== window ? window.parent : null;
const fits = document.documentElement.classList.contains("fit");
const WAIT = 500, STEP = 8, LEAST = 450;
let sent = 0, frame = 0;

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

async function live() {
  const said = await ask({ subject: "lti.capabilities" }, "lti.capabilities.response");
  const known = new Set((said?.supported_messages || []).map((one) => one.subject));
  if (!known.has("lti.frameResize")) return;
  if (!fits) {
    new ResizeObserver(grow).observe(document.body);
    return;
  }
  let height = 800;
  if (known.has("lti.fetchWindowSize")) {
    const size = await ask({ subject: "lti.fetchWindowSize" }, "lti.fetchWindowSize.response");
    const top = size?.offset?.top || 0, foot = size?.footer || 0;
    if (Number.isFinite(size?.height)) height = size.height - top - foot;
  }
  tell({ subject: "lti.frameResize", height: Math.max(LEAST, Math.floor(height)) });
}

if (host && origins.length) live();

/* What the pretend LMS answers to messages of the tool in its frame. */
"use strict";

const tool = document.querySelector("iframe[data-messages]");
const subjects = (tool?.dataset.messages || "").split(" ").filter(Boolean);
const LEAST_HEIGHT = 450, MOST_KEYS = 100;

/* The frame of an app is as large as the app's screen, whatever the style says. */
if (tool?.hasAttribute("data-fixed")) {
  tool.style.boxSizing = "content-box";
  tool.style.inlineSize = `${tool.getAttribute("width")}px`;
  tool.style.blockSize = `${tool.getAttribute("height")}px`;
}

/* Each tool has a storage of its own, kept as long as the tab. */
function stored(origin) {
  return JSON.parse(sessionStorage.getItem(`tool ${origin}`) || "{}");
}

function put(origin, key, value) {
  const all = stored(origin);
  if (value === null || value === undefined) delete all[key];
  else all[key] = value;
  if (Object.keys(all).length > MOST_KEYS) return { error: { code: "storage_exhaustion", message: "too many keys" } };
  sessionStorage.setItem(`tool ${origin}`, JSON.stringify(all));
  return { key, value };
}

/* Anything but a number of at least 450 becomes 450, as Canvas has it. */
function resize({ height }) {
  if (tool.hasAttribute("data-fixed")) return;
  tool.style.blockSize = `${typeof height === "number" && height >= LEAST_HEIGHT ? height : LEAST_HEIGHT}px`;
}

const answers = {
  "lti.capabilities": () => ({ supported_messages: subjects.map((subject) => ({ subject })) }),
  "lti.put_data": ({ key, value }, origin) => put(origin, key, value),
  "lti.get_data": ({ key }, origin) => ({ key, value: stored(origin)[key] ?? null }),
  "lti.frameResize": (said) => resize(said),
  "lti.fetchWindowSize": () => {
    const { top, left } = tool.getBoundingClientRect();
    return {
      height: window.innerHeight, width: window.innerWidth, footer: 0,
      offset: { top: Math.round(top + scrollY), left: Math.round(left) }, scrollY,
    };
  },
  "lti.scrollToTop": () => window.scrollTo(0, 0),
};

if (tool && subjects.length) {
  const tools = tool.dataset.tools.split(" ");
  window.addEventListener("message", ({ source, origin, data }) => {
    if (source !== tool.contentWindow || !tools.includes(origin)) return;
    if (!subjects.includes(data?.subject)) return;
    const answer = answers[data.subject](data, origin) || {};
    const subject = `${data.subject}.response`;
    source.postMessage({ subject, message_id: data.message_id, ...answer }, origin);
  });
}

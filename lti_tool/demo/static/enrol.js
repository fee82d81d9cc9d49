/* The tool's own page asks to be closed when it has registered itself. */
"use strict";

const enrolling = document.getElementById("enrol");
window.addEventListener("message", ({ source, data }) => {
  if (source !== enrolling.contentWindow || data?.subject !== "org.imsglobal.lti.close") return;
  location.assign("/admin/tools");
});

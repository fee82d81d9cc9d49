// Tells the LMS whose frame or window this is that we are done with it. Nothing of ours
// goes with the message, so any page may hear it: which one asked, the browser tells
// nobody. Source: LTI Dynamic Registration 1.0 section 3.7.
const holder = document.querySelector("[data-close]");
const host = window.opener || (window.parent !== window ? window.parent : null);

function close() {
  host?.postMessage({ subject: "org.imsglobal.lti.close" }, "*");
}

if (holder && host) {
  const stay = holder.querySelector("[data-stay]"), words = holder.querySelector("[data-soon]");
  const after = Number(holder.dataset.closeAfter);
  holder.hidden = false;
  holder.querySelector("[data-now]").addEventListener("click", close);
  if (after) {
    const timer = setTimeout(close, after * 1000);
    const keep = () => { clearTimeout(timer); words.hidden = true; stay.hidden = true; };
    words.hidden = stay.hidden = false;
    stay.addEventListener("click", keep);
    // Whoever scrolls or reads on with the keyboard is not finished.
    for (const sign of ["keydown", "wheel", "touchmove"]) addEventListener(sign, keep, { once: true, passive: true });
  }
}

// Opens a resource in a tab of its own at once. Without this script the server answers
// with a page that leads there. The tab knows nothing of ours: no opener, no referrer.
const { post } = await import(document.querySelector("script[data-conductor]").src);

async function leave(event) {
  const form = event.target.closest?.("form[data-leave]");
  if (!form || event.defaultPrevented || !event.submitter) return;
  const tab = window.open("about:blank", "_blank");
  if (!tab) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const home = new URL(document.body.dataset.home, location.href).href;
  try {
    const { url } = await post(form.action.slice(home.length), { as: "json", resource: event.submitter.value });
    tab.opener = null;
    tab.location.replace(url);
  } catch {
    tab.close();
    document.getElementById("fault").hidden = false;
  }
}
document.addEventListener("submit", leave, true);

// Copies the ticked names. Where the browser lets no page write to the clipboard the
// form goes its way, and the server shows the names to be copied by hand.
async function copy(event) {
  const form = event.target.closest?.("form[data-names]"), button = event.submitter;
  if (!form || !button || event.defaultPrevented) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const names = [...new Set([...form.querySelectorAll("input[name=who]:checked")].map((one) => one.dataset.name))];
  const said = document.getElementById("names-said");
  if (!names.length) {
    said.textContent = button.dataset.none;
    return;
  }
  try {
    await navigator.clipboard.writeText(names.join("\n"));
    said.textContent = `${button.dataset.done}: ${names.join(", ")}`;
  } catch {
    const ask = new URLSearchParams(new FormData(form, button));
    const url = `${form.action.split(/[?#]/)[0]}?${ask}#names`;
    document.dispatchEvent(new CustomEvent("masterybridge:go", { detail: { url } }));
  }
}
document.addEventListener("submit", copy, true);

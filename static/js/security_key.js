// Security keys: a button with data-security-key ("create" or "get") and data-options lets its form ask the browser
// for one, and send the answer in the field `credential`.
(() => {
  "use strict";

  const askBrowser = (kind, { publicKey }) =>
    kind === "create"
      ? navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(publicKey) })
      : navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(publicKey) });

  const whyNot = () => {
    if (!isSecureContext) return "Browsers offer security keys only over HTTPS.";
    if (!window.PublicKeyCredential?.parseCreationOptionsFromJSON) return "This browser is too old for security keys.";
    return "";
  };

  const WHY = {
    InvalidStateError: "This key was added already.",
    SecurityError: "Security keys need a host name in the address, and no IP address.",
  };

  const complain = (form, words) => {
    const note = form.querySelector("[data-security-key-error]");
    note.querySelector("span").textContent = words;
    note.hidden = !words;
  };

  // Before htmx, which would send the form as it is.
  const onSubmit = async (event) => {
    const form = event.target;
    const button = form.querySelector("[data-security-key]");
    if (!button || form.elements.credential.value) return;
    event.preventDefault();
    event.stopPropagation();
    complain(form, whyNot());
    if (whyNot()) return;
    try {
      const credential = await askBrowser(button.dataset.securityKey, JSON.parse(button.dataset.options));
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch (error) {
      complain(form, WHY[error.name] ?? "No key was shown. Try again.");
    }
  };
  document.addEventListener("submit", onSubmit, true);
})();

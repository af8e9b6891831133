// Security keys: a button with data-security-key ("create" or "get") and data-options lets its form ask the browser
// for one, and send the answer in the field with data-credential.
(() => {
  "use strict";

  const askBrowser = (kind, publicKey) =>
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

  // Enter in a field clicks its form's first button that submits, too.
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-security-key]");
    if (!button) return;
    event.preventDefault();
    const { form } = button;
    complain(form, whyNot());
    if (whyNot() || !form.reportValidity()) return;
    try {
      const credential = await askBrowser(button.dataset.securityKey, JSON.parse(button.dataset.options));
      form.querySelector("[data-credential]").value = JSON.stringify(credential.toJSON());
      form.requestSubmit();
    } catch (error) {
      complain(form, WHY[error.name] ?? "No key was shown. Try again.");
    }
  });
})();

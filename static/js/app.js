// What pages do beyond links and forms. Everything here adds to markup that works without it; templates/README.md
// says which attributes turn it on. No page needs a script of its own.
(() => {
  "use strict";

  const dialog = document.getElementById("dialog");
  const dialogContent = document.getElementById("dialog-content");

  const say = (text) => {
    const line = document.getElementById("toast");
    // What lies outside an open dialog is neither seen nor announced.
    (dialog?.open ? dialog : document.body).append(line);
    line.textContent = text;
    clearTimeout(say.timer);
    say.timer = setTimeout(() => (line.textContent = ""), 4000);
  };

  // The session's storage, which a browser may refuse.
  const remember = (name, value) => {
    try {
      sessionStorage.setItem(name, value);
    } catch {}
  };
  const recall = (name) => {
    try {
      const value = sessionStorage.getItem(name);
      sessionStorage.removeItem(name);
      return value;
    } catch {
      return null;
    }
  };

  // --- Dialogs: a link with hx-target="#dialog-content" fetches the content, its arrival opens the dialog ----------

  const keepsOpen = () => dialogContent.querySelector("[data-keep-open]") !== null;

  // The focus comes back to what opened a dialog. The browser sees to that where the dialog is closed; where it did its
  // work, the page is loaded again.
  let opener = "";
  const selectorOf = (element) => {
    const menu = element?.closest("details.menu[id]");
    if (menu) return `#${CSS.escape(menu.id)} > summary`;
    if (element?.id) return `#${CSS.escape(element.id)}`;
    return element?.hasAttribute("href") ? `a[href="${CSS.escape(element.getAttribute("href"))}"]` : "#main";
  };
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { target, xhr } = event.detail;
    if (target === dialogContent && xhr.getResponseHeader("HX-Redirect")) remember("opener", opener);
  });
  const back = recall("opener");
  if (back) (document.querySelector(back) ?? document.getElementById("main"))?.focus();

  const openDialog = () => {
    if (!dialog.open) opener = selectorOf(document.activeElement);
    dialog.setAttribute("aria-labelledby", dialogContent.querySelector("h1, h2")?.id ?? "");
    dialog.setAttribute("closedby", keepsOpen() ? "none" : "closerequest");
    if (!dialog.open) dialog.showModal();
    dialogContent.querySelector("[aria-invalid='true'], [autofocus]")?.focus();
  };

  // Settled, not only swapped in: its form then sends what is typed to the dialog, however fast somebody is.
  document.addEventListener("htmx:afterSettle", (event) => {
    if (dialog && event.detail.target === dialogContent) openDialog();
  });

  dialog?.addEventListener("cancel", (event) => {
    if (keepsOpen()) event.preventDefault();
  });
  dialog?.addEventListener("keydown", (event) => {
    // A second Esc would close it even so.
    if (event.key === "Escape" && keepsOpen()) event.preventDefault();
  });
  dialog?.addEventListener("close", () => {
    const after = dialogContent.querySelector("[data-after-close]")?.dataset.afterClose;
    dialogContent.replaceChildren();
    if (!after) return;
    remember("opener", opener);
    location.assign(after);
  });
  document.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-close-dialog]");
    if (!closer || !dialog?.contains(closer)) return;
    event.preventDefault();
    dialog.close();
  });
  // On the backdrop: pressed and released there, so that selecting text does not close the dialog by accident.
  let pressedOnBackdrop = false;
  dialog?.addEventListener("pointerdown", (event) => (pressedOnBackdrop = event.target === dialog));
  dialog?.addEventListener("click", (event) => {
    if (pressedOnBackdrop && event.target === dialog && !keepsOpen()) dialog.close();
  });

  // What a fragment cannot show, the full page behind the same address can: an error, a refusal, the sign-in page.
  document.addEventListener("htmx:responseError", (event) => {
    const { elt, requestConfig, xhr } = event.detail;
    if (elt.hasAttribute("data-live")) return;
    if (requestConfig.verb === "get" && elt.href) location.assign(elt.href);
    else say(xhr.status === 403 ? "You may not do this." : "This did not work. Please try again.");
  });
  document.addEventListener("htmx:sendError", (event) => {
    if (!event.detail.elt.hasAttribute("data-live")) say("The server cannot be reached.");
  });

  // --- Menus: <details class="menu"> -------------------------------------------------------------------------------

  const closeMenu = (menu) => {
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
    menu.open = false;
  };

  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    // An item that opens a dialog: the focus comes back to the menu's button.
    const menu = event.target.closest(".menu-item[hx-get]")?.closest("details.menu");
    if (menu) closeMenu(menu);
  });

  const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

  const moveInMenu = (menu, key) => {
    const items = [...menu.querySelectorAll("a, button, input")];
    const now = items.indexOf(document.activeElement);
    const next = Number.isFinite(STEPS[key]) ? now + STEPS[key] : STEPS[key];
    if (now === -1) items.at(key === "ArrowUp" || key === "End" ? -1 : 0).focus();
    else items[Math.max(0, Math.min(items.length - 1, next))].focus();
  };

  document.addEventListener("keydown", (event) => {
    const menu = event.target.closest?.("details.menu");
    if (menu?.open && event.key === "Escape") {
      event.preventDefault();
      closeMenu(menu);
      menu.querySelector("summary").focus();
    } else if (menu && event.key in STEPS && (menu.open || event.key.startsWith("Arrow"))) {
      event.preventDefault();
      menu.open = true;
      moveInMenu(menu, event.key);
    }
  });

  // --- Messages after an action ------------------------------------------------------------------------------------

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (!button) return;
    button.closest(".message").remove();
    document.getElementById("main")?.focus({ preventScroll: true });
  });

  // --- Copy buttons: [data-copy="id of what holds the text"] -------------------------------------------------------

  const selectText = (element) => {
    if (element.select) element.select();
    else getSelection().selectAllChildren(element);
  };

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      say("Copied");
      button.classList.add("is-copied");
      setTimeout(() => button.classList.remove("is-copied"), 2000);
    } catch {
      // Over plain HTTP browsers offer no clipboard: leave it selected, one key away.
      selectText(source);
      say("Press Ctrl+C to copy");
    }
  });
})();

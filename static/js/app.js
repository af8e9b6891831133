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

  const two = (number) => String(number).padStart(2, "0");
  const clock = (at) => `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;

  // --- Dialogs: a link with hx-target="#dialog-content" fetches the content, its arrival opens the dialog ----------

  const keepsOpen = () => dialogContent.querySelector("[data-keep-open]") !== null;

  const openDialog = () => {
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
    if (after) location.assign(after);
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

  // --- Live regions: [data-live] asks its own hx-get again, unless nobody looks -----------------------------------

  const etags = new WeakMap(); // region → {path, etag} of what it shows

  const refresh = (region) => htmx.trigger(region, "refresh");
  const regions = () => document.querySelectorAll("[data-live]");
  const freshness = (region) => document.querySelector(`[data-freshness-of="${region.id}"]`);

  setInterval(() => {
    if (document.hidden || dialog?.open) return;
    regions().forEach(refresh);
  }, 5000);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) regions().forEach(refresh);
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-refresh]");
    if (!button || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    refresh(document.getElementById(button.dataset.refresh));
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const known = etags.get(event.detail.target);
    if (known?.path === event.detail.path) event.detail.headers["If-None-Match"] = known.etag;
  });

  const showFreshness = (region, xhr) => {
    const line = freshness(region);
    const answered = (xhr.status >= 200 && xhr.status < 300) || xhr.status === 304;
    line?.classList.toggle("is-late", !answered);
    if (line) line.textContent = answered ? `Last updated ${clock(new Date())}` : "Not updated: no answer";
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    const { target, xhr, requestConfig } = event.detail;
    if (!target?.hasAttribute?.("data-live")) return;
    // The swap may have put another element into its place.
    const region = document.getElementById(target.id);
    const etag = xhr.getResponseHeader("ETag");
    if (xhr.status === 200 && etag) etags.set(region, { path: requestConfig.path, etag });
    showFreshness(region, xhr);
  });

  // In the reader's own time from the start, as it will be after the first refresh.
  regions().forEach((region) => {
    const line = freshness(region);
    if (line) line.textContent = `Last updated ${clock(new Date())}`;
  });

  // A refresh leaves alone what the reader opened or is typing. Idiomorph would keep what is inside of a link, too, if it
  // has the focus: its text would stay, and its address change.
  if (window.Idiomorph) {
    Object.defineProperty(Idiomorph.defaults, "ignoreActiveValue", {
      enumerable: true,
      get: () => document.activeElement?.matches("input, select, textarea") ?? false,
    });
    Idiomorph.defaults.callbacks.beforeAttributeUpdated = (name, element) =>
      !(name === "open" && element.matches("details, dialog"));
  }

  // --- Times: words such as "5 min ago", and the exact time in the reader's own time zone ---------------------------

  // As web/templatetags/observatory.py words them. The server's clock counts: pages say how far it is ahead.
  const ahead = Date.now() - Date.parse(document.body.dataset.now ?? new Date().toISOString());
  const relative = (at) => {
    const seconds = (Date.now() - ahead - at) / 1000;
    const minutes = Math.floor(Math.abs(seconds) / 60);
    if (minutes === 0) return "just now";
    if (minutes >= 30 * 24 * 60) return new Date(at).toISOString().slice(0, 10);
    const hours = Math.floor(minutes / 60);
    const words = minutes < 60 ? `${minutes} min` : hours < 48 ? `${hours} h` : `${Math.floor(hours / 24)} days`;
    return seconds > 0 ? `${words} ago` : `in ${words}`;
  };
  const tick = () => {
    for (const time of document.querySelectorAll(".ago > time")) {
      const words = relative(Date.parse(time.dateTime));
      if (time.textContent !== words) time.textContent = words;
    }
  };
  setInterval(() => document.hidden || tick(), 10000);
  document.addEventListener("visibilitychange", () => document.hidden || tick());

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

  const addLocalTime = (event) => {
    const ago = event.target.closest?.(".ago");
    const exact = ago?.querySelector(".ago-exact");
    if (!exact) return;
    ago.classList.remove("is-dismissed");
    if (exact.childElementCount > 1) return;
    const at = new Date(ago.querySelector("time").dateTime);
    const local = document.createElement("span");
    local.textContent = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${clock(at)} ${zone}`;
    exact.append(local);
  };
  document.addEventListener("pointerover", addLocalTime);
  document.addEventListener("focusin", addLocalTime);
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".ago:hover, .ago:focus").forEach((ago) => ago.classList.add("is-dismissed"));
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

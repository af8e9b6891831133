// The search field in the header: `/` and Ctrl-K, the list that appears below it while somebody types, and the keys that
// walk through it (WAI-ARIA's combobox with a listbox). Without it the field is a form that leads to a page of results.
(() => {
  "use strict";

  const finder = document.getElementById("finder");
  const field = document.getElementById("finder-text");
  const opener = document.getElementById("finder-open");
  if (!finder) return;

  field.setAttribute("role", "combobox");
  field.setAttribute("aria-autocomplete", "list");
  field.setAttribute("aria-expanded", "false");

  // Each answer puts another one into its place.
  const list = () => document.getElementById("search-list");
  const options = () => [...list().querySelectorAll("[role=option]")];
  const chosen = () => list().querySelector("[aria-selected=true]");
  const isOpen = () => finder.classList.contains("has-list");

  let cameFrom = null; // what had the focus before, and gets it back
  let isOld = false; // the list belongs to what stood in the field before
  let wantsFirst = false; // somebody went down before the new list was there

  const choose = (option) => {
    chosen()?.setAttribute("aria-selected", "false");
    option?.setAttribute("aria-selected", "true");
    option?.scrollIntoView({ block: "nearest" });
    if (option) field.setAttribute("aria-activedescendant", option.id);
    else field.removeAttribute("aria-activedescendant");
  };

  const showList = (show) => {
    finder.classList.toggle("has-list", show);
    field.setAttribute("aria-expanded", String(show && options().length > 0));
    document.getElementById("finder-summary").textContent = show ? (list().dataset.summary ?? "") : "";
    if (!show) choose(null);
  };

  const open = () => {
    if (!finder.contains(document.activeElement)) cameFrom = document.activeElement;
    finder.classList.add("is-open");
    field.focus();
    field.select();
  };

  const close = () => {
    showList(false);
    finder.classList.remove("is-open");
  };

  const giveFocusBack = () => {
    const before = cameFrom?.isConnected && cameFrom !== document.body ? cameFrom : document.getElementById("main");
    before.focus({ preventScroll: true });
    cameFrom = null;
  };

  const isTyping = (element) => element.matches?.("input, textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing || event.altKey) return;
    const withControl = event.ctrlKey || event.metaKey;
    // Some keyboards have the slash above another key, under Shift.
    const asked = withControl ? event.key.toLowerCase() === "k" && !event.shiftKey : event.key === "/";
    if (!asked || document.querySelector("dialog[open]")) return;
    if (isTyping(event.target) && !(withControl && event.target === field)) return;
    event.preventDefault();
    open();
  });

  opener.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open();
    cameFrom = opener;
  });

  document.addEventListener("htmx:afterSwap", (event) => {
    if (event.detail.target.id !== "search-list") return;
    isOld = false;
    choose(null);
    showList(finder.contains(document.activeElement) && field.value.trim() !== "");
    if (wantsFirst && isOpen()) choose(options()[0] ?? null);
    wantsFirst = false;
  });

  field.addEventListener("input", () => {
    isOld = true;
    wantsFirst = false;
    choose(null);
    if (field.value.trim() === "") showList(false);
  });
  field.addEventListener("focus", () => {
    if (field.value.trim() !== "") htmx.trigger(field, "reopen");
  });
  finder.addEventListener("focusout", (event) => {
    if (!finder.contains(event.relatedTarget)) close();
  });
  // The options never take the focus: a press on one would close the list before the click arrives.
  finder.addEventListener("pointerdown", (event) => {
    if (event.target.closest("#search-list")) event.preventDefault();
  });

  const walk = (step) => {
    if (isOld) {
      wantsFirst = step > 0;
      return;
    }
    const all = options();
    // Between the last and the first one lies the text itself.
    const places = all.length + 1;
    const now = all.indexOf(chosen());
    choose(all[(now + 1 + step + places) % places - 1] ?? null);
  };

  const KEYS = {
    ArrowDown: () => walk(1),
    ArrowUp: () => walk(-1),
    Enter: () => chosen()?.click(),
  };

  field.addEventListener("keydown", (event) => {
    if (event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      close();
      giveFocusBack();
    } else if (event.key in KEYS && isOpen() && (event.key !== "Enter" || chosen())) {
      event.preventDefault();
      KEYS[event.key]();
    } else if (event.key === "ArrowDown" && field.value.trim() !== "") {
      htmx.trigger(field, "reopen");
    }
  });

  finder.addEventListener("submit", (event) => {
    if (field.value.trim() === "") event.preventDefault();
  });
})();

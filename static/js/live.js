// Live regions and times. Everything here adds to markup that works without it; templates/README.md says which
// attributes turn it on.
(() => {
  "use strict";

  const dialog = document.getElementById("dialog");
  const zone = document.documentElement.dataset.zone;
  // Swedish writes times as ISO 8601 does: 2026-03-02, 14:03:11.
  const format = (options) => new Intl.DateTimeFormat("sv-SE", { timeZone: zone, ...options });
  const [dates, clocks] = [format({ dateStyle: "short" }), format({ timeStyle: "medium" })];

  // --- Times: words such as "5 min ago" ------------------------------------------------------------------------------

  // As web/templatetags/observatory.py words them. The server's clock counts: each answer says what it shows.
  let ahead = 0; // of it, in ms
  const relative = (at) => {
    const seconds = (Date.now() - ahead - at) / 1000;
    const minutes = Math.floor(Math.abs(seconds) / 60);
    if (minutes === 0) return "just now";
    if (minutes >= 30 * 24 * 60) return dates.format(at);
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

  document.addEventListener("htmx:afterRequest", (event) => {
    const date = Date.parse(event.detail.xhr.getResponseHeader("Date"));
    if (date) ahead = Date.now() - date;
    // A page that the browser had kept has words of an earlier time.
    tick();
  });

  for (const name of ["pointerover", "focusin"]) {
    document.addEventListener(name, (event) => event.target.closest?.(".ago")?.classList.remove("is-dismissed"));
  }
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".ago:hover, .ago:focus").forEach((ago) => ago.classList.add("is-dismissed"));
  });

  // --- Live regions: [data-live] asks its own hx-get again, unless nobody looks --------------------------------------

  // In seconds. While nothing changes a region waits longer each time, up to the longest wait.
  const [SHORTEST, LONGEST] = [5, 60];
  const shortest = (region) => Number(region.dataset.live) || SHORTEST;
  const longest = (region) => Number(region.dataset.liveLongest) || LONGEST;
  const longer = (region, wait) => Math.max(shortest(region), Math.min(longest(region), wait * 2));

  const states = new Map(); // region's id → {wait, timer, askedAt, etag, and the path that it is the answer of}
  const regions = () => document.querySelectorAll("[data-live]");
  const freshness = (region) => document.querySelector(`[data-freshness-of="${region.id}"]`);

  const plan = (region, wait) => {
    const state = states.get(region.id) ?? { askedAt: Date.now() };
    clearTimeout(state.timer);
    const timer = setTimeout(() => ask(document.getElementById(region.id)), wait * 1000);
    states.set(region.id, { ...state, wait, timer });
  };
  const ask = (region) => {
    if (!region?.hasAttribute("data-live")) return;
    // Also if this question is dropped, because another one is on its way.
    plan(region, states.get(region.id).wait);
    if (!document.hidden && !dialog?.open) refresh(region);
  };
  const refresh = (region) => {
    states.get(region.id).askedAt = Date.now();
    htmx.trigger(region, "refresh");
  };
  // Somebody looks again, after a while.
  const wake = () => {
    if (document.hidden || dialog?.open) return;
    tick();
    for (const region of regions()) {
      plan(region, shortest(region));
      if (Date.now() - states.get(region.id).askedAt >= shortest(region) * 1000) refresh(region);
    }
  };

  document.addEventListener("visibilitychange", wake);
  window.addEventListener("focus", wake);
  dialog?.addEventListener("close", wake);
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-refresh]");
    const region = button && document.getElementById(button.dataset.refresh);
    if (!region?.hasAttribute("data-live") || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    plan(region, shortest(region));
    refresh(region);
  });

  document.addEventListener("htmx:configRequest", (event) => {
    const { target, path, headers } = event.detail;
    const state = states.get(target?.id);
    if (state?.etag && state.path === path) headers["If-None-Match"] = state.etag;
  });

  const say = (region, words, isLate) => {
    const line = freshness(region);
    line?.classList.toggle("is-late", isLate);
    if (line) line.textContent = words;
  };
  const sayUpdated = (region) => say(region, `Last updated ${clocks.format(Date.now())}`, false);

  // Removed elsewhere, or not to be seen any more: what is shown stays, and says so.
  const end = (region) => {
    clearTimeout(states.get(region.id).timer);
    states.delete(region.id);
    region.removeAttribute("data-live");
    say(region, "No longer updated", true);
    document.getElementById("gone").textContent =
      `This is no longer here: somebody removed it, or you may not see it any more. The page shows what was known before.`;
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    const { target, xhr, requestConfig } = event.detail;
    if (!target?.hasAttribute?.("data-live")) return;
    // The swap may have put another element into its place.
    const region = document.getElementById(target.id);
    if (!region) return;
    const isUnchanged = xhr.status === 304;
    const isNew = xhr.status >= 200 && xhr.status < 300;
    if (!states.has(region.id)) plan(region, shortest(region));
    const state = states.get(region.id);
    if ([403, 404, 410].includes(xhr.status)) {
      end(region);
      return;
    }
    if (isNew) Object.assign(state, { path: requestConfig.path, etag: xhr.getResponseHeader("ETag") });
    plan(region, isNew ? shortest(region) : longer(region, state.wait));
    if (isNew || isUnchanged) sayUpdated(region);
    else say(region, "Not updated: no answer", true);
  });

  regions().forEach((region) => {
    plan(region, shortest(region));
    sayUpdated(region);
  });
  // The page's own answer holds what a region's would.
  const first = document.getElementById("live-etag")?.dataset;
  const shown = first && document.getElementById(first.of);
  if (states.has(first?.of)) Object.assign(states.get(first.of), { path: shown.getAttribute("hx-get"), etag: first.etag });

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
})();

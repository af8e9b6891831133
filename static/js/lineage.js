// The lineage graph beyond links: what leads to and from a node, the lock on a path, and the picture as PNG. All that it
// shows can be reached without it, by the links of the panel beside the graph.
(() => {
  "use strict";

  const LOCKS = ["from", "to", "column"];
  // Pixels of a PNG for one of the picture, the longest side and the largest area that browsers can draw.
  const [SHARPNESS, LONGEST, LARGEST] = [2, 16_000, 100_000_000];

  const items = () => [...document.querySelectorAll(".graph-items > g")];
  const nodeOf = (item) => item.querySelector(".graph-node");
  // Links name a node by the first characters of its id.
  const keyOf = (item) => new URL(nodeOf(item).href.baseVal, location).searchParams.get("select");
  const itemOf = (key) => items().find((item) => keyOf(item) === key);
  const isLocked = () => LOCKS.some((name) => new URLSearchParams(location.search).has(name));

  // The focus of the graph, brought into the middle of what is visible

  const centre = () => {
    for (const scroll of document.querySelectorAll(".graph-scroll")) {
      const ring = scroll.querySelector(".graph-ring");
      if (!ring) continue;
      const inside = ring.getBoundingClientRect();
      const around = scroll.getBoundingClientRect();
      scroll.scrollLeft += inside.left + inside.width / 2 - around.left - around.width / 2;
      scroll.scrollTop += inside.top + inside.height / 2 - around.top - around.height / 2;
    }
  };

  document.addEventListener("DOMContentLoaded", centre);
  document.addEventListener("htmx:load", (event) => {
    if (event.detail.elt === document.body) centre();
  });
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
  });

  // Links of the graph: the node that was used stays where it is, and keeps the keyboard

  const go = async (url, item) => {
    const key = item && keyOf(item);
    const before = item?.getBoundingClientRect();
    const hadFocus = item?.contains(document.activeElement);
    const path = url.pathname + url.search;
    await htmx.ajax("GET", path, { target: "#lineage", swap: "morph:outerHTML", push: "true" });
    const after = key && itemOf(key);
    if (!after) return;
    const place = after.getBoundingClientRect();
    after.closest(".graph-scroll").scrollBy(place.left - before.left, place.top - before.top);
    if (hadFocus && !after.contains(document.activeElement)) nodeOf(after).focus({ preventScroll: true });
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest(".graph-canvas a");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    const url = new URL(link.href.baseVal, location);
    if (url.pathname !== location.pathname) return;
    event.preventDefault();
    go(url, link.closest(".graph-items > g"));
  });

  // What leads to and from the node under the pointer, or with the keyboard's focus

  const linesOf = () =>
    [...document.querySelectorAll("[data-way]")].map((path) => ({ path, ends: path.dataset.way.split(" ").map(Number) }));

  const trace = (start) => {
    const lines = linesOf();
    const [nodes, paths] = [new Set([start]), new Set()];
    for (const near of [0, 1]) {
      const waiting = new Set([start]); // grows while it is gone through
      for (const at of waiting) {
        for (const { path, ends } of lines.filter((line) => line.ends[near] === at)) {
          paths.add(path);
          nodes.add(ends[1 - near]);
          waiting.add(ends[1 - near]);
        }
      }
    }
    return { nodes, paths };
  };

  const show = (item) => {
    if (isLocked()) return;
    const { nodes, paths } = item ? trace(items().indexOf(item)) : { nodes: new Set(), paths: new Set() };
    items().forEach((one, at) => one.classList.toggle("is-traced", nodes.has(at)));
    for (const { path } of linesOf()) path.classList.toggle("is-traced", paths.has(path));
    document.querySelector(".graph-canvas")?.classList.toggle("is-tracing", item !== null);
  };

  // The pin at the node under the pointer

  const pin = () => document.querySelector(".graph-pin");
  let pinned = null; // key of the node at which the pin is

  const putPin = (item) => {
    const around = pin().parentElement;
    const [box, outer] = [nodeOf(item).getBoundingClientRect(), around.getBoundingClientRect()];
    pin().style.left = `${box.right - outer.left + around.scrollLeft - 20}px`;
    pin().style.top = `${box.top - outer.top + around.scrollTop - 12}px`;
    pin().hidden = false;
    pinned = keyOf(item);
  };

  const lock = (item) => {
    const url = new URL(location);
    const key = keyOf(item);
    const locked = [url.searchParams.get("from"), url.searchParams.get("to")].filter(Boolean);
    const others = locked.filter((one) => !one.startsWith(key));
    const next = others.length < locked.length ? others : [...locked.slice(0, 1), key];
    LOCKS.forEach((name) => url.searchParams.delete(name));
    next.forEach((one, at) => url.searchParams.set(LOCKS[at], one));
    go(url, item);
  };

  document.addEventListener("pointerover", (event) => {
    if (!pin() || event.target.closest(".graph-pin")) return;
    const item = event.target.closest(".graph-items > g");
    if (item) putPin(item);
    else pin().hidden = true;
    if (item || !document.activeElement.closest(".graph-items")) show(item);
  });
  document.addEventListener("focusin", (event) => {
    const item = event.target.closest(".graph-items > g");
    if (item && event.target.matches(":focus-visible")) show(item);
  });
  document.addEventListener("focusout", (event) => {
    if (event.target.closest(".graph-items") && !event.relatedTarget?.closest?.(".graph-items")) show(null);
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest(".graph-pin")) lock(itemOf(pinned));
  });

  // Keys: p locks, Escape clears, arrows go along a line to the nearest node, or up and down

  const STEPS = { ArrowLeft: [1, 0], ArrowRight: [0, 1] };

  const nextTo = (item, key) => {
    const all = items();
    const at = all.indexOf(item);
    if (key === "ArrowUp" || key === "ArrowDown") return all[at + (key === "ArrowUp" ? -1 : 1)];
    const [near, far] = STEPS[key];
    const found = linesOf().filter(({ ends }) => ends[near] === at && ends[far] !== at);
    const away = (one) => Math.abs(one.getBoundingClientRect().top - item.getBoundingClientRect().top);
    return found.map(({ ends }) => all[ends[far]]).sort((one, other) => away(one) - away(other))[0];
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const item = event.target.closest(".graph-items > g");
    if (event.key === "Escape" && isLocked() && (item || event.target === document.body)) {
      const url = new URL(location);
      LOCKS.forEach((name) => url.searchParams.delete(name));
      go(url, item);
    } else if (item && event.key === "p") {
      lock(item);
    } else if (item && event.key.startsWith("Arrow")) {
      event.preventDefault();
      const next = nextTo(item, event.key);
      if (next) nodeOf(next).focus();
    }
  });

  // PNG: the SVG file, drawn by the browser

  document.addEventListener("click", async (event) => {
    const link = event.target.closest("[data-png]");
    if (!link) return;
    event.preventDefault();
    const image = new Image();
    image.src = link.href;
    const isDrawn = await image.decode().then(() => true, () => false);
    if (!isDrawn) return location.assign(link.href);
    const { naturalWidth: width, naturalHeight: height } = image;
    const scale = Math.min(SHARPNESS, LONGEST / Math.max(width, height), Math.sqrt(LARGEST / (width * height)));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [width * scale, height * scale];
    canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
    canvas.toBlob((blob) => {
      const file = document.createElement("a");
      file.href = URL.createObjectURL(blob);
      file.download = link.dataset.png;
      file.click();
      URL.revokeObjectURL(file.href);
    });
  });
})();

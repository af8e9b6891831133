/* Brings the focus of a lineage graph into the middle of what is visible, and sends the form when a choice is made. */

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
document.addEventListener("htmx:historyRestore", centre);
document.addEventListener("htmx:load", (event) => {
  if (event.detail.elt === document.body) centre();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

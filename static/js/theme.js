// Before the first paint, for readers who follow their system: says which of the two themes that is. The class is for
// the documentation of the API, which Swagger UI draws.
(() => {
  "use strict";
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.bsTheme = dark.matches ? "dark" : "light";
    document.documentElement.classList.toggle("dark-mode", dark.matches);
  };
  apply();
  dark.addEventListener("change", apply);
})();

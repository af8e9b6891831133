// Before the first paint of Django's admin: the theme that the reader chose for all pages.
document.documentElement.dataset.theme = document.currentScript.dataset.theme;

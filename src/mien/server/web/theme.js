"use strict";
// Before the first paint, so that a chosen theme does not flash. The choice is no secret and stays in this browser.
(() => {
  const chosen = localStorage.getItem("mien-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();

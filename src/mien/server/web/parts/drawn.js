import { svg } from "./dom.js";

/** A drawing in place of a picture of a face. */
export const drawn = (alt = "") => svg("svg",
  { viewBox: "0 0 48 48", class: "drawn", ...(alt ? { role: "img", "aria-label": `${alt} (no picture kept)` } : { "aria-hidden": "true" }) },
  svg("circle", { cx: 24, cy: 19, r: 8 }), svg("path", { d: "M9 43c1-10 7-14 15-14s14 4 15 14" }));

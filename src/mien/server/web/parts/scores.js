// A score is never shown without the threshold that decides.

import { h, svg } from "./dom.js";

const LOW = -0.2; // cosines of faces hardly go below
const place = (score) => Math.min(Math.max((score - LOW) / (1 - LOW), 0), 1) * 100;

/** A bar from -0.2 to 1 with the threshold as a tick; the same is said as text. */
export function scoreBar(score, threshold, match) {
  const bar = h("span", { class: `bar ${match ? "yes" : "no"}`, "aria-hidden": "true" }, h("i", null), h("b", null));
  bar.firstChild.style.inlineSize = `${place(score)}%`;
  bar.lastChild.style.insetInlineStart = `${place(threshold)}%`;
  return h("span", { class: "score" }, bar, h("span", null, h("b", null, score.toFixed(3)), h("span", { class: "soft" }, ` ${match ? "≥" : "<"} ${threshold.toFixed(3)}`)));
}

const W = 640, H = 300, L = 52, R = 14, T = 26, B = 44;

/**
 * Error rates against threshold, as measured, on a logarithmic scale, with the threshold in force and a score.
 * @param {{points: {threshold: number, fmr: number, misses: number}[], mated: number, nonmated: number}} table
 */
export function errorCurve(table, threshold, score) {
  const rows = table.points.map((p) => ({ t: p.threshold, fmr: p.fmr, fnmr: p.misses / table.mated }));
  const least = Math.min(1 / table.nonmated, ...rows.map((r) => r.fmr).filter((v) => v > 0));
  const decades = Math.ceil(-Math.log10(least) - 0.1);
  const span = [Math.min(0, score ?? 0, rows[0].t), Math.max(0.8, score ?? 0, rows.at(-1).t)];
  const x = (t) => L + (t - span[0]) / (span[1] - span[0]) * (W - L - R);
  const y = (rate) => T + Math.min(-Math.log10(Math.max(rate, 10 ** -decades)), decades) / decades * (H - T - B);
  const line = (name) => rows.filter((r) => r[name] > 0).map((r, i) => `${i ? "L" : "M"}${x(r.t).toFixed(1)} ${y(r[name]).toFixed(1)}`).join("");
  const text = (value, at, attributes) => svg("text", { ...at, ...attributes }, value);
  const grid = Array.from({ length: decades + 1 }, (_, d) => [
    svg("path", { class: "grid", d: `M${L} ${y(10 ** -d)}H${W - R}` }),
    text(d < 3 ? `${100 / 10 ** d} %` : `10⁻${"⁰¹²³⁴⁵⁶⁷⁸⁹"[d]}`, { x: L - 8, y: y(10 ** -d) + 4 }, { "text-anchor": "end" }),
  ]);
  const ticks = Array.from({ length: Math.floor((span[1] - span[0]) / 0.2 + 1e-9) + 1 }, (_, i) => Math.ceil(span[0] / 0.2) * 0.2 + i * 0.2).filter((t) => t <= span[1] + 1e-9)
    .map((t) => text(t.toFixed(1).replace("-0.0", "0.0"), { x: x(t), y: H - B + 18 }, { "text-anchor": "middle" }));
  const marks = [svg("path", { class: "threshold", d: `M${x(threshold)} ${T}V${H - B}` }),
    text(`threshold ${threshold.toFixed(3)}`, { x: x(threshold), y: T - 10 }, { "text-anchor": "middle", class: "strong" })];
  if (score !== undefined) {
    marks.push(svg("path", { class: "here", d: `M${x(score)} ${H - B}l-7 -13h14z` }),
      svg("path", { class: "here-line", d: `M${x(score)} ${T}V${H - B}` }));
  }
  const said = `Error rates against threshold. Threshold ${threshold.toFixed(3)}${score === undefined ? "" : `, score ${score.toFixed(3)}`}.`;
  return h("figure", { class: "curve" },
    svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": said }, grid, ticks,
      text("cosine of two faces", { x: (L + W - R) / 2, y: H - 6 }, { "text-anchor": "middle" }),
      svg("path", { class: "fmr", d: line("fmr") }), svg("path", { class: "fnmr", d: line("fnmr") }), marks),
    h("figcaption", null, h("span", { class: "key fmr" }), "two people taken for one (FMR) ", h("span", { class: "key fnmr" }), "one person taken for two (FNMR) ",
      score !== undefined && [h("span", { class: "key here" }), "this comparison"]));
}

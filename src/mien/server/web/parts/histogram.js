// How the scores of a model are spread: same person and different people, with the threshold and one score.

import { h, percent, svg } from "./dom.js";

const W = 640, H = 300, L = 14, R = 14, T = 46, B = 44;
const EDGE = 70; // labels nearer to a side than this are set inwards
const KINDS = [["nonmated", "different people"], ["mated", "same person"]];

const sum = (counts) => counts.reduce((total, count) => total + count, 0);

/** The share of comparisons with this score or a higher one, a bin taken as evenly filled. */
export function shareAbove({ start, step }, counts, score) {
  let above = 0;
  counts.forEach((count, bin) => { above += count * Math.min(Math.max((start + (bin + 1) * step - score) / step, 0), 1); });
  return above / Math.max(sum(counts), 1);
}

/** Scores between which nearly all comparisons lie. */
function range({ start, step }, counts) {
  const at = (share) => {
    let left = share * sum(counts);
    const bin = counts.findIndex((count) => (left -= count) <= 0);
    return (start + (bin + 0.5) * step).toFixed(2);
  };
  return `${at(0.025)} to ${at(0.975)}`;
}

const least = (share, total) => (share * total < 0.5 ? `fewer than 1 in ${total.toLocaleString("en")}` : percent(share));

/**
 * @param {{start: number, step: number, mated: number[], nonmated: number[]}} bins
 * @param {number | null} threshold in force
 * @param {number} [score] of this comparison
 */
export function scoreHistogram(bins, threshold = null, score) {
  const { start, step } = bins;
  const totals = Object.fromEntries(KINDS.map(([kind]) => [kind, sum(bins[kind])]));
  const marks = [threshold, score].filter((value) => typeof value === "number");
  const span = [Math.min(start, ...marks) - step, Math.max(start + step * bins.mated.length, ...marks) + step];
  const highest = Math.max(...KINDS.map(([kind]) => Math.max(...bins[kind]) / Math.max(totals[kind], 1)));
  const x = (value) => L + (value - span[0]) / (span[1] - span[0]) * (W - L - R);
  const y = (share) => H - B - share / highest * (H - B - T - 22);
  const label = (value, text, at, style) => {
    const anchor = x(value) < L + EDGE ? "start" : x(value) > W - R - EDGE ? "end" : "middle";
    return svg("text", { x: x(value), y: at, "text-anchor": anchor, class: style }, text);
  };
  const steps = (kind) => `M${x(start).toFixed(1)} ${y(0)}` + bins[kind].map((count, bin) => `V${y(count / Math.max(totals[kind], 1)).toFixed(1)}H${x(start + (bin + 1) * step).toFixed(1)}`).join("") + `V${y(0)}Z`;
  const peaks = KINDS.filter(([kind]) => totals[kind]).map(([kind, words]) => {
    const bin = bins[kind].indexOf(Math.max(...bins[kind]));
    return label(start + (bin + 0.5) * step, words, y(bins[kind][bin] / totals[kind]) - 8, `of ${kind}`);
  });
  const ticks = Array.from({ length: 21 }, (_, i) => (i - 10) / 5).filter((t) => t >= span[0] && t <= span[1])
    .map((t) => svg("text", { x: x(t), y: H - B + 18, "text-anchor": "middle" }, t.toFixed(1)));
  const drawn = [
    KINDS.map(([kind]) => svg("path", { class: kind, d: steps(kind) })),
    svg("path", { class: "grid", d: `M${L} ${y(0)}H${W - R}` }), ticks, peaks,
    svg("text", { x: W / 2, y: H - 6, "text-anchor": "middle" }, "cosine of two faces"),
    threshold !== null && [svg("path", { class: "threshold", d: `M${x(threshold)} ${T - 22}V${y(0)}` }), label(threshold, `threshold ${threshold.toFixed(3)}`, T - 30, "strong")],
    score !== undefined && [svg("path", { class: "here-line", d: `M${x(score)} ${T}V${y(0)}` }), svg("path", { class: "here", d: `M${x(score)} ${y(0)}l-7 13h14z` }), label(score, `this score ${score.toFixed(3)}`, T - 8, "strong")],
  ];
  const spread = KINDS.map(([kind, words]) => `${totals[kind].toLocaleString("en")} comparisons of ${kind === "mated" ? "the " : ""}${words} score mostly from ${range(bins, bins[kind])}`).join("; ");
  const stands = score === undefined ? "" : `A score of ${score.toFixed(3)} or higher came from ${KINDS.map(([kind, words]) => `${least(shareAbove(bins, bins[kind], score), totals[kind])} of the comparisons of ${kind === "mated" ? "the " : ""}${words}`).join(" and from ")}.`;
  const said = `Histogram of scores. ${spread}.${threshold === null ? "" : ` The threshold is ${threshold.toFixed(3)}.`}${score === undefined ? "" : ` This score is ${score.toFixed(3)}.`}`;
  return h("figure", { class: "curve spread" }, svg("svg", { viewBox: `0 0 ${W} ${H}`, role: "img", "aria-label": said }, ...drawn.flat(Infinity).filter(Boolean)),
    h("figcaption", null, stands, stands && " ", "Each outline is drawn to its own total: ", `${totals.nonmated.toLocaleString("en")} comparisons of different people, ${totals.mated.toLocaleString("en")} of the same person.`),
    asTable(bins, totals));
}

/** The same in numbers, for those who want or need them: bins of a tenth. */
function asTable({ start, step, ...counts }, totals) {
  const rows = new Map();
  counts.mated.forEach((_, bin) => {
    const tenth = Math.floor((start + (bin + 0.5) * step) * 10);
    const row = rows.get(tenth) ?? { mated: 0, nonmated: 0 };
    for (const [kind] of KINDS) row[kind] += counts[kind][bin];
    rows.set(tenth, row);
  });
  const cell = (count, total) => h("td", null, `${count.toLocaleString("en")} (${percent(count / Math.max(total, 1))})`);
  return h("details", null, h("summary", null, "The same as a table"),
    h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Scores as a table" },
      h("table", null, h("caption", { class: "unseen" }, "Comparisons by score"),
        h("thead", null, h("tr", null, ["Score", "Different people", "Same person"].map((head) => h("th", { scope: "col" }, head)))),
        h("tbody", null, [...rows].map(([tenth, row]) => h("tr", null, h("th", { scope: "row" }, `${(tenth / 10).toFixed(1)} to ${((tenth + 1) / 10).toFixed(1)}`), cell(row.nonmated, totals.nonmated), cell(row.mated, totals.mated)))))));
}

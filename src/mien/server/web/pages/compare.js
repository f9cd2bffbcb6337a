// Compare: are two pictures of the same person, and where does the score stand among measured errors?

import { getJson, pictureForm } from "../api.js";
import { chance, h, percent } from "../parts/dom.js";
import { dropPlace } from "../parts/drop.js";
import { failed } from "../parts/notice.js";
import { aligned, decode } from "../parts/picture.js";
import { scoreHistogram } from "../parts/histogram.js";
import { errorCurve } from "../parts/scores.js";

const RATES = [0.01, 0.001, 0.0001, 0.00001];

export async function render({ signal }) {
  const files = { probe: null, reference: null };
  const places = { probe: h("div", { class: "side" }), reference: h("div", { class: "side" }) };
  const result = h("div", { class: "results", "aria-live": "polite" });
  const rate = h("select", { id: "fmr", onchange: () => compare().catch(failed) }, RATES.map((value) => h("option", { value, selected: value === 0.0001 }, chance(value))));

  function place(side, label) {
    const shown = h("div", { class: "shown" });
    const take = async (file) => {
      files[side] = file;
      const url = URL.createObjectURL(file);
      shown.replaceChildren(h("img", { src: url, alt: `${label}: ${file.name}`, onload: () => URL.revokeObjectURL(url), onerror: () => URL.revokeObjectURL(url) }), h("bdi", { class: "file" }, file.name));
      await compare();
    };
    places[side].replaceChildren(h("h2", null, label), dropPlace({ label: "Drop a picture here", take: ([file]) => take(file), camera: true }), shown);
  }

  async function compare() {
    if (!files.probe || !files.reference) return;
    result.replaceChildren(h("p", { class: "soft" }, "Comparing…"));
    try {
      const form = pictureForm([["probe", files.probe], ["reference", files.reference]]);
      const [told, models, probe, reference] = await Promise.all([
        getJson(`/v1/comparisons?fmr=${rate.value}`, { form, signal }), getJson("/v1/models", { signal }), decode(files.probe), decode(files.reference)]);
      const measured = models.models.find((model) => model.name === told.model.name)?.measured;
      result.replaceChildren(...verdict(told, measured, probe, reference));
    } catch (error) {
      result.replaceChildren();
      throw error;
    }
  }
  place("probe", "First picture");
  place("reference", "Second picture");
  return [h("div", { class: "head" }, h("h1", null, "Compare"), h("p", { class: "soft" }, "Do two pictures show the same person? The largest face of each counts; nothing is kept.")),
    h("div", { class: "pair" }, places.probe, places.reference),
    h("p", { class: "row controls" }, h("label", { for: "fmr" }, "Two different people may be taken for one in"), rate, h("span", { class: "soft" }, "comparisons")),
    result];
}

function verdict(told, measured, probe, reference) {
  const point = told.operating_point;
  return [
    h("div", { class: `verdict card ${told.match ? "yes" : "no"}` },
      h("div", { class: "crops" }, h("span", { class: "face large" }, aligned(probe, told.probe.points, "First face, aligned")), h("span", { class: "face large" }, aligned(reference, told.reference.points, "Second face, aligned"))),
      h("div", null, h("h2", null, told.match ? "The same person" : "Not the same person"),
        h("p", null, "Score ", h("b", null, told.score.toFixed(3)), `, which is ${told.match ? "at or above" : "below"} the threshold of `, h("b", null, told.threshold.toFixed(3)), "."),
        h("p", { class: "soft" }, `At this threshold ${point.errors.toLocaleString("en")} of ${point.trials.toLocaleString("en")} comparisons of different people were taken for one (FMR ${percent(point.measured_fmr)}, 95 % interval ${percent(point.interval[0])} to ${percent(point.interval[1])}), and ${point.misses.toLocaleString("en")} of ${point.mated.toLocaleString("en")} of the same person were missed. Measured on ${point.data}.`),
        h("p", { class: "soft small" }, `Model ${told.model.name} (${told.model.digest.slice(0, 12)}, ${told.model.precision}, ${told.model.engine}); ${told.seconds.toFixed(2)} s. The crops are what the model saw.`))),
    measured ? h("section", { class: "card" }, h("h2", null, "Where this score stands"),
      measured.histogram && scoreHistogram(measured.histogram, told.threshold, told.score),
      h("details", { open: !measured.histogram }, h("summary", null, "Error rates at every threshold"), errorCurve(measured, told.threshold, told.score)))
      : h("p", { class: "soft" }, "Nothing was measured of this model, so there is no curve to show."),
  ];
}

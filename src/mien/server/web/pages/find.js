// Find: who is in a picture, with the threshold that decides and what it promises.

import { getJson, inGallery, pictureForm } from "../api.js";
import { chance, h, percent, plural, who, whoText } from "../parts/dom.js";
import { dropPlace } from "../parts/drop.js";
import { face } from "../parts/faces.js";
import { failed } from "../parts/notice.js";
import { cut, decode } from "../parts/picture.js";
import { scoreBar } from "../parts/scores.js";

const RATES = [0.001, 0.003, 0.01, 0.03, 0.1];
const TOP = 5;

export async function render({ signal }) {
  let last = null;
  const results = h("div", { class: "results", "aria-live": "polite" });
  const rate = h("select", { id: "fpir", onchange: () => last && find(last).catch(failed) }, RATES.map((value) => h("option", { value, selected: value === 0.003 }, percent(value))));

  async function find(file) {
    last = file;
    results.replaceChildren(h("p", { class: "soft" }, "Looking…"));
    try {
      const [told, bitmap] = await Promise.all([
        getJson(inGallery(`/identifications?fpir=${rate.value}&top=${TOP}`), { form: pictureForm([["image", file]]), signal }), decode(file)]);
      results.replaceChildren(...answer(told, bitmap, file));
    } catch (error) {
      results.replaceChildren();
      throw error;
    }
  }
  return [h("div", { class: "head" }, h("h1", null, "Find"), h("p", { class: "soft" }, "Who of the gallery is in a picture? The picture is looked at and not kept.")),
    dropPlace({ label: "Drop a picture here", take: ([file]) => find(file), camera: true }),
    h("p", { class: "row controls" }, h("label", { for: "fpir" }, "A stranger may be given a name"), rate, h("span", { class: "soft" }, "of the time")),
    results];
}

function answer(told, bitmap, file) {
  if (!told.probes.length) return [h("p", { class: "empty" }, "No face was found in this picture.")];
  const found = told.probes.filter((probe) => probe.decision !== null).length;
  const point = told.operating_point;
  return [
    h("h2", null, `${plural(told.probes.length, "face")}, ${found === 0 ? "nobody known" : `${found} known`}`),
    h("p", { class: "note" }, `A name is given from a score of ${told.threshold.toFixed(3)} on. At that threshold about ${chance(told.fpir)} faces of people who are not among the ${plural(told.searched, "person", "people")} searched would still be given somebody's name (FPIR). `,
      point.extrapolated ? "That lies beyond what was counted and rests on a fitted tail. " : "", `Measured on ${point.data}.`,
      told.recall === null ? "" : ` The index finds ${percent(told.recall)} of the true best.`),
    overview(told, bitmap, file),
    ...told.probes.map((probe, number) => probeCard(probe, number, told, bitmap)),
    h("p", { class: "soft small" }, `Model ${told.model.name} (${told.model.digest.slice(0, 12)}, ${told.model.precision}, ${told.model.engine}); ${told.seconds.toFixed(2)} s.`),
  ];
}

/** The whole picture with numbered boxes, where there is more than one face. */
function overview(told, bitmap, file) {
  if (!bitmap || told.probes.length < 2) return "";
  const picture = h("img", { src: URL.createObjectURL(file), alt: `${file.name} with ${plural(told.probes.length, "marked face")}`, onload: (event) => URL.revokeObjectURL(event.target.src) });
  const frame = h("div", { class: "frame" }, picture);
  told.probes.forEach(({ box: [x0, y0, x1, y1], decision }, number) => {
    const mark = h("span", { class: `mark ${decision === null ? "" : "known"}`, "aria-hidden": "true" }, String(number + 1));
    Object.assign(mark.style, { left: `${x0 / bitmap.width * 100}%`, top: `${y0 / bitmap.height * 100}%`, width: `${(x1 - x0) / bitmap.width * 100}%`, height: `${(y1 - y0) / bitmap.height * 100}%` });
    frame.append(mark);
  });
  return frame;
}

function probeCard(probe, number, told, bitmap) {
  const title = told.probes.length > 1 ? `Face ${number + 1}: ` : "";
  return h("article", { class: "probe card" },
    h("div", { class: "face large" }, cut(bitmap, probe.box, `Face ${number + 1} of the picture`)),
    h("div", null,
      h("h3", null, title, probe.decision === null ? "nobody in this gallery" : who(probe.decision)),
      h("ol", { class: "candidates" }, probe.candidates.map((candidate) => h("li", { class: candidate.match ? "match" : null },
        face(candidate.reference, `Stored face of ${whoText(candidate.subject)}`), h("span", { class: "who" }, who(candidate.subject), candidate.match && h("span", { class: "tag" }, "match")),
        scoreBar(candidate.score, told.threshold, candidate.match)))),
      probe.candidates.length === 0 && h("p", { class: "soft" }, "The gallery is empty.")));
}

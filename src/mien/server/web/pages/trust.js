// Trust: what the answers rest on: error rates, models and their licences, what is kept, who did what.

import { act, getJson, inGallery } from "../api.js";
import { h, percent, plural } from "../parts/dom.js";
import { scoreHistogram } from "../parts/histogram.js";
import { agree, failed, notice } from "../parts/notice.js";
import { errorCurve } from "../parts/scores.js";
import { session } from "../session.js";

export async function render() {
  const [{ models }, gallery, shown, audit] = await Promise.all([
    getJson("/v1/models"), getJson(inGallery()), getJson("/v1/reports"), session.may("audit") ? getJson(inGallery(`/audit?limit=${LINES}`)) : null]);
  const name = gallery.model?.model ?? models.find((model) => model.in_use && model.kind === "embedder")?.name;
  const model = models.find((each) => each.name === name);
  return [h("div", { class: "head" }, h("h1", null, "Trust"), h("p", { class: "soft" }, "What the answers rest on, and what is kept.")),
    points(model, gallery.operating), reports(shown), kept(gallery), licences(models), trail(audit)];
}

const card = (title, ...children) => h("section", { class: "card" }, h("h2", null, title), ...children);

const table = (head, rows, caption) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
  h("table", null, h("caption", { class: "unseen" }, caption), h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, cell)))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map((cell, i) => (i ? h("td", null, cell) : h("th", { scope: "row" }, cell))))))));

function points(model, own) {
  if (!model?.measured) return card("Operating points", h("p", { class: "soft" }, "Nothing was measured of the model in use, so no error rate can be promised."));
  const { measured } = model;
  const decades = [0.01, 0.001, 0.0001, 0.00001].map((rate) => measured.points.find((point) => point.fmr <= rate && point.errors > 0)).filter(Boolean);
  const rows = [...new Set(decades)].map((point) => [point.threshold.toFixed(4), percent(point.fmr), `${percent(point.interval[0])} – ${percent(point.interval[1])}`,
    `${point.errors.toLocaleString("en")} of ${measured.nonmated.toLocaleString("en")}`, `${percent(point.misses / measured.mated)} (${point.misses.toLocaleString("en")} of ${measured.mated.toLocaleString("en")})`]);
  const typical = decades.at(-1) ?? measured.points[0];
  return card("Operating points",
    h("p", null, `${model.name}: at which threshold how many errors happen. Measured on ${measured.data} (${measured.date}).`),
    h("div", { class: "two" }, measured.histogram && scoreHistogram(measured.histogram, typical.threshold), errorCurve(measured, typical.threshold)),
    table(["Threshold", "FMR", "95 % interval", "Two taken for one", "One taken for two (FNMR)"], rows, "Operating points"),
    h("p", { class: "soft small" }, "Made by ", h("code", null, measured.command)),
    own?.histogram && [h("h3", null, "Measured on this gallery"), h("p", null, `Thresholds of verifications and searches here rest on ${own.data} (${own.date}).`), scoreHistogram(own.histogram)]);
}

/** What was measured, by whoever runs the server, and left for everybody to read. */
function reports({ reports: found, shown }) {
  if (!found.length) return card("Evaluation reports", h("p", { class: "soft" }, shown ? "The folder of reports holds none yet; " : "Whoever runs the server can show them here with ", h("code", null, shown ? "mien evaluate … --report" : "mien serve --reports FOLDER"), shown ? " writes one." : "."));
  return card("Evaluation reports", h("ul", { class: "reports" }, found.map(({ name, title, modified, address }) => h("li", null,
    h("a", { href: address, target: "_blank", rel: "noopener" }, title), h("span", { class: "soft small" }, `${name}, ${modified.slice(0, 10)}`)))),
  h("p", { class: "soft small" }, "Each opens in a tab of its own. The links are good for an hour; show this page again for new ones."));
}

function kept(gallery) {
  const size = gallery.bytes < 1e6 ? `${(gallery.bytes / 1e3).toFixed(0)} kB` : `${(gallery.bytes / 1e6).toFixed(1)} MB`;
  const facts = [["People", gallery.subjects.toLocaleString("en")], ["of them without a name", gallery.unnamed.toLocaleString("en")], ["Faces", gallery.references.toLocaleString("en")],
    ["Pictures known by their content", gallery.pictures.toLocaleString("en")], ["File", size], ["Templates", gallery.compact ? "1 byte a dimension" : "4 bytes a dimension"],
    gallery.due !== undefined && ["People whose consent has ended", gallery.due ? `${gallery.due}: never matched any more, erased by “mien gallery sweep”` : "0"],
    ["Small pictures of faces", gallery.crops.kept ? `kept, ${gallery.crops.stored.toLocaleString("en")} of them` : gallery.crops.stored ? `${gallery.crops.stored.toLocaleString("en")} kept from before` : "not kept"],
    ["Error rates", gallery.operating ? `measured on this gallery: ${gallery.operating.data} (${gallery.operating.date})` : "the model’s own"]].filter(Boolean);
  const shown = card("What is kept", h("dl", { class: "facts" }, facts.map(([key, value]) => h("div", null, h("dt", null, key), h("dd", null, value)))),
    h("p", null, `A face is kept as numbers, with its place in the picture, until somebody erases it. The pictures themselves are not kept. The small ones on these pages are ${gallery.crops.kept ? "the aligned faces, kept beside the numbers and erased with them" : "cut from the files they came from, where those lie unchanged in a folder that the server may read"}. Forgetting a person erases the faces, the name and every trace in the file, and gives a receipt.`),
    session.may("crops") && cropSwitch(gallery.crops, async () => {
      const changed = kept(await getJson(inGallery()));
      shown.replaceWith(changed);
      changed.querySelector("button").focus();
    }));
  return shown;
}

/** Whether small pictures of faces are kept: for who may choose so; `after` is called when it was changed. */
function cropSwitch({ kept: on, stored }, after) {
  const choose = async () => {
    if (on && stored && !await agree("Erase the small pictures?", `All ${stored.toLocaleString("en")} are erased from the gallery now, and none is kept from now on. The faces stay known.`, "Erase them")) return;
    await act(inGallery("/crops"), { keep: !on }, "PUT");
    notice(on ? "No small picture of a face is kept any more." : "A small picture of each face that is sent from now on is kept.");
    await after();
  };
  return h("div", { class: "row" }, h("button", { type: "button", class: on ? "quiet danger" : "", onclick: () => choose().catch(failed) },
    on ? (stored ? "Erase the small pictures, and keep none" : "Keep no small pictures of faces") : "Keep small pictures of faces from now on"));
}

function licences(models) {
  const rows = models.map((model) => [[model.name, model.in_use && h("span", { class: "tag" }, "in use")].filter(Boolean), model.kind, model.licence.code, model.licence.weights, model.licence.training_data, model.policy]);
  return card("Models and licences", table(["Model", "Kind", "Code", "Weights", "Training data", "Class"], rows, "Models and licences"));
}

const LINES = 25;
const COLUMNS = { sequence: "No.", utc: "When (UTC)", action: "Act", counts: "Of what", actor: "Who", purpose: "Why", subject: "Person", model: "Model", threshold: "Threshold", rate: "Rate" };
const SHORT = { subject: 8, model: 12 }; // characters of what is long and rarely read; the rest is told on demand

function trail(first) {
  if (!first) return card("Audit trail", h("p", { class: "soft" }, `Your key (${session.facts.role}) may not read it; one of the role auditor or admin may.`));
  const records = [...first.records];
  const count = h("p", { class: "soft", role: "status" });
  const place = h("div");
  let next = first.next;
  const older = h("button", { type: "button", onclick: () => load().catch(failed) }, "Older records");

  async function load() {
    const told = await getJson(inGallery(`/audit?limit=${LINES}&cursor=${encodeURIComponent(next)}`));
    records.push(...told.records);
    next = told.next;
    draw();
  }

  function draw() {
    const columns = Object.keys(COLUMNS).filter((key) => records.some((record) => ![null, undefined, ""].includes(record[key])));
    const rows = records.map((record) => columns.map((key) => shown(key, record[key])));
    count.textContent = `${plural(records.length, "record")} shown${next ? ", there are older ones" : ""}. Nothing biometric and no name stands in it; each record is chained to the one before.`;
    place.replaceChildren(records.length ? table(columns.map((key) => COLUMNS[key]), rows, "Audit trail") : "");
    older.hidden = !next;
  }
  draw();
  return card("Audit trail", count, h("div", { class: "trail" }, place), older);
}

function shown(key, value) {
  if (value === null || value === undefined) return "";
  if (key === "utc") return value.replace("T", " ").replace("Z", "");
  if (key === "counts") return Object.entries(value).map(([kind, many]) => `${many.toLocaleString("en")} ${kind}`).join(", ");
  if (SHORT[key]) return h("span", { title: value }, value.slice(0, SHORT[key]));
  return String(value);
}

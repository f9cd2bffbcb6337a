// Trust: what the answers rest on: error rates, models and their licences, what is kept, who did what.

import { getJson, inGallery } from "../api.js";
import { h, percent, plural } from "../parts/dom.js";
import { errorCurve } from "../parts/scores.js";
import { session } from "../session.js";

export async function render() {
  const [{ models }, gallery, audit] = await Promise.all([
    getJson("/v1/models"), getJson(inGallery()), session.may("audit") ? getJson(inGallery("/audit?limit=50")) : null]);
  const name = gallery.model?.model ?? models.find((model) => model.in_use && model.kind === "embedder")?.name;
  const model = models.find((each) => each.name === name);
  return [h("div", { class: "head" }, h("h1", null, "Trust"), h("p", { class: "soft" }, "What the answers rest on, and what is kept.")),
    points(model), kept(gallery), licences(models), trail(audit)];
}

const card = (title, ...children) => h("section", { class: "card" }, h("h2", null, title), ...children);

const table = (head, rows, caption) => h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": caption },
  h("table", null, h("caption", { class: "unseen" }, caption), h("thead", null, h("tr", null, head.map((cell) => h("th", { scope: "col" }, cell)))),
    h("tbody", null, rows.map((row) => h("tr", null, row.map((cell, i) => (i ? h("td", null, cell) : h("th", { scope: "row" }, cell))))))));

function points(model) {
  if (!model?.measured) return card("Operating points", h("p", { class: "soft" }, "Nothing was measured of the model in use, so no error rate can be promised."));
  const { measured } = model;
  const decades = [0.01, 0.001, 0.0001, 0.00001].map((rate) => measured.points.find((point) => point.fmr <= rate && point.errors > 0)).filter(Boolean);
  const rows = [...new Set(decades)].map((point) => [point.threshold.toFixed(4), percent(point.fmr), `${percent(point.interval[0])} – ${percent(point.interval[1])}`,
    `${point.errors.toLocaleString("en")} of ${measured.nonmated.toLocaleString("en")}`, `${percent(point.misses / measured.mated)} (${point.misses.toLocaleString("en")} of ${measured.mated.toLocaleString("en")})`]);
  const typical = decades.at(-1) ?? measured.points[0];
  return card("Operating points",
    h("p", null, `${model.name}: at which threshold how many errors happen. Measured on ${measured.data} (${measured.date}).`),
    errorCurve(measured, typical.threshold),
    table(["Threshold", "FMR", "95 % interval", "Two taken for one", "One taken for two (FNMR)"], rows, "Operating points"),
    h("p", { class: "soft small" }, "Made by ", h("code", null, measured.command)));
}

function kept(gallery) {
  const size = gallery.bytes < 1e6 ? `${(gallery.bytes / 1e3).toFixed(0)} kB` : `${(gallery.bytes / 1e6).toFixed(1)} MB`;
  const facts = [["People", gallery.subjects.toLocaleString("en")], ["of them without a name", gallery.unnamed.toLocaleString("en")], ["Faces", gallery.references.toLocaleString("en")],
    ["Pictures known by their content", gallery.pictures.toLocaleString("en")], ["File", size], ["Templates", gallery.compact ? "1 byte a dimension" : "4 bytes a dimension"],
    gallery.due !== undefined && ["People whose consent has ended", gallery.due ? `${gallery.due}: never matched any more, erased by “mien gallery sweep”` : "0"],
    ["Error rates", gallery.operating ? `measured on this gallery: ${gallery.operating.data} (${gallery.operating.date})` : "the model’s own"]].filter(Boolean);
  return card("What is kept", h("dl", { class: "facts" }, facts.map(([key, value]) => h("div", null, h("dt", null, key), h("dd", null, value)))),
    h("p", null, "A face is kept as numbers, with its place in the picture, until somebody erases it. Pictures are not kept; the small ones on these pages are cut from the files they came from, where those are still there. Forgetting a person erases the faces, the name and every trace in the file, and gives a receipt."));
}

function licences(models) {
  const rows = models.map((model) => [[model.name, model.in_use && h("span", { class: "tag" }, "in use")].filter(Boolean), model.kind, model.licence.code, model.licence.weights, model.licence.training_data, model.policy]);
  return card("Models and licences", table(["Model", "Kind", "Code", "Weights", "Training data", "Class"], rows, "Models and licences"));
}

function trail(audit) {
  if (!session.may("audit")) return card("Audit trail", h("p", { class: "soft" }, `Your key (${session.facts.role}) may not read it; one of the role auditor or admin may.`));
  const { records } = audit;
  const text = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? Object.entries(value).map(([key, each]) => `${key} ${each}`).join(", ") : String(value));
  const columns = [...new Set(records.flatMap((record) => Object.keys(record)))].filter((key) => key !== "hash");
  return card("Audit trail", h("p", { class: "soft" }, `${plural(records.length, "record")} shown. Nothing biometric and no name stands in it; each record is chained to the one before.`),
    records.length > 0 && table(columns, records.map((record) => columns.map((key) => text(record[key]))), "Audit trail"));
}

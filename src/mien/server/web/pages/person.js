// One person: all faces, the name, and whose faces are not theirs.

import { act, ask, getJson, inGallery, person } from "../api.js";
import { h, plural, who, whoText } from "../parts/dom.js";
import { dropFaces, face } from "../parts/faces.js";
import { consentCard } from "../parts/consent.js";
import { nameForm } from "../parts/naming.js";
import { agree, failed, notice, takeBack } from "../parts/notice.js";
import { session } from "../session.js";

const SHOWN = 120; // faces shown before "show more"

export const addressOf = (id) => `/?person=${id}`;

export async function onePerson(id, go) {
  const subject = await getJson(person(id));
  const references = [];
  for (let cursor = null; ;) {
    const told = await getJson(person(id, `/references?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`));
    references.push(...told.references);
    if (!(cursor = told.next)) break;
  }
  const back = () => go("/");
  const stay = (other = id) => go(addressOf(typeof other === "number" ? other : id));
  const chosen = new Set();
  const may = session.may("correct");
  const shown = whoText(subject.subject);

  const status = h("span", { role: "status" });
  const not = h("button", { type: "button", class: "main", onclick: () => split().catch(failed) }, "Not this person");
  const move = h("form", { class: "naming", onsubmit: (event) => { event.preventDefault(); give(move.elements.who.value.trim()).catch(failed); } },
    h("input", { name: "who", placeholder: "These are…", "aria-label": "Name of the person whose faces these are", required: true, autocomplete: "off", spellcheck: "false" }), h("button", null, "Move"));
  const remove = h("button", { type: "button", class: "quiet danger", onclick: () => erase().catch(failed) }, "Erase these faces");
  const picked = h("div", { class: "picked", hidden: true }, status, not, move, remove);

  function tell() {
    picked.hidden = !chosen.size;
    status.textContent = `${plural(chosen.size, "face")} chosen`;
    not.disabled = chosen.size === references.length;
    not.title = not.disabled ? "At least one face has to stay" : "";
  }

  async function split() {
    const told = await act(person(id, "/split"), { references: [...chosen] });
    notice(`${plural(told.moved, "face")} taken out of ${shown}; ${told.moved === 1 ? "it is" : "they are"} now ${whoText(told.subject)}, and the two are never joined again.`, { undo: () => stay() });
    await stay();
  }

  async function give(name) {
    const all = chosen.size === references.length && !subject.named;
    for (const reference of chosen) await act(inGallery(`/references/${reference}/move`), { subject: name });
    notice(`${plural(chosen.size, "face")} moved to ${name}.`, { undo: chosen.size === 1 ? back : undefined });
    await (all ? back() : stay());
  }

  async function erase() {
    if (!await agree(`Erase ${plural(chosen.size, "face")}?`, "For faces that are none, or not wanted. This cannot be undone.", "Erase")) return;
    for (const reference of chosen) await ask(inGallery(`/references/${reference}`), { method: "DELETE" });
    dropFaces([...chosen]);
    notice(`${plural(chosen.size, "face")} erased.`);
    await (chosen.size === references.length && !subject.named ? back() : stay());
  }

  async function forget() {
    if (!await agree(`Forget ${shown}?`, `All ${plural(references.length, "face")}, the name and the pictures that show nobody else leave the gallery for good. The picture files themselves stay where they are. This cannot be undone.`, "Forget for good")) return;
    const receipt = await act(person(id), null, "DELETE");
    dropFaces(references.map((reference) => reference.id));
    await back();
    notice(`Forgotten: ${plural(receipt.references, "face")}, ${plural(receipt.pictures, "picture")}. Audit record ${receipt.record}.`);
  }

  const item = (reference) => {
    const box = may && h("input", { type: "checkbox", "aria-label": `Choose the face from ${reference.file || "an unnamed picture"}`, onchange: (event) => {
      if (event.target.checked) chosen.add(reference.id);
      else chosen.delete(reference.id);
      tell();
    } });
    return h("li", null, h("label", null, face(reference.id, box ? "" : shown), box, h("bdi", { class: "file" }, reference.file || "no file name")));
  };
  const list = h("ul", { class: "wall", "aria-label": `Faces of ${shown}` }, references.slice(0, SHOWN).map(item));
  const more = h("button", { type: "button", class: "more", hidden: references.length <= SHOWN, onclick: () => {
    list.append(...references.slice(list.children.length, list.children.length + SHOWN).map(item));
    more.hidden = list.children.length >= references.length;
  } }, "Show more faces");
  const facts = Object.entries(subject.attributes ?? {});
  return [h("p", null, h("a", { href: "/", "data-page": true }, "← All people")),
    h("div", { class: "head" }, h("h1", null, who(subject.subject)), h("p", { class: "soft" }, `${plural(references.length, "face")}, since ${subject.created.slice(0, 10)}`)),
    facts.length > 0 && h("dl", { class: "facts" }, facts.map(([key, value]) => h("div", null, h("dt", null, key), h("dd", null, String(value))))),
    may && h("div", { class: "row controls" }, nameForm(subject, stay), h("button", { type: "button", class: "quiet", onclick: () => takeBack(() => stay()) }, "Undo last correction"),
      session.may("forget") && h("button", { type: "button", class: "quiet danger", onclick: () => forget().catch(failed) }, "Forget this person")),
    picked, list, more, consentCard(subject, stay)].filter(Boolean);
}

// Giving somebody a name.

import { act, getJson, inGallery, person } from "../api.js";
import { h, whoText } from "./dom.js";
import { agree, failed, notice } from "./notice.js";

/** Name somebody; a name that somebody has already may mean that the two are one. */
async function rename(subject, name, after) {
  try {
    await act(person(subject.id), { name }, "PATCH");
    notice(`${whoText(subject.subject)} is now called ${name}.`, { undo: after });
    await after();
  } catch (error) {
    if (error.code !== "name-taken") throw error;
    const yes = await agree(`Somebody is called ${name} already`, `Are ${whoText(subject.subject)} and ${name} the same person? Then their faces become one person's. This can be undone.`, "Same person");
    if (!yes) return;
    const { id } = await getJson(inGallery(`/subjects/${encodeURIComponent(name)}`));
    await act(person(id, "/merge"), { others: [`#${subject.id}`] });
    notice(`${whoText(subject.subject)} is now one with ${name}.`, { undo: () => after(id) });
    await after(id);
  }
}

/** A field with somebody's name; `after` is called when it was changed, with the id of the one they were merged with. */
export function nameForm(subject, after) {
  const named = !/^#\d+$/.test(subject.subject);
  const field = h("input", { class: "name", value: named ? subject.subject : "", placeholder: "Who is this?", maxlength: 200, required: true, autocomplete: "off", spellcheck: "false", "aria-label": named ? `Name of ${subject.subject}` : `Name ${whoText(subject.subject)}` });
  const save = h("button", null, "Save");
  save.hidden = true;
  field.addEventListener("input", () => { save.hidden = !field.value.trim() || field.value.trim() === subject.subject; });
  return h("form", { class: "naming", onsubmit: (event) => {
    event.preventDefault();
    const name = field.value.trim();
    if (name && name !== subject.subject) rename(subject, name, after).catch(failed);
  } }, field, save);
}

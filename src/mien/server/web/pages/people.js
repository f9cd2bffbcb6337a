// People: everybody as a card, named or not; names, merges, and who is not whom.

import { act, getJson, inGallery, person } from "../api.js";
import { h, plural, who, whoText } from "../parts/dom.js";
import { face } from "../parts/faces.js";
import { nameForm } from "../parts/naming.js";
import { failed, notice, takeBack } from "../parts/notice.js";
import { session } from "../session.js";
import { addressOf, onePerson } from "./person.js";

const COVER = 4;
const PAGE = 60;

export async function render({ go }) {
  const chosen = new URLSearchParams(location.search).get("person");
  return chosen ? onePerson(Number(chosen), go) : everybody();
}

async function everybody() {
  const state = { people: [], next: null, chosen: new Map(), text: "", least: 1 };
  const grid = h("ul", { class: "people", "aria-label": "People", tabindex: -1 });
  const more = h("button", { type: "button", class: "more", hidden: true, onclick: () => load(state.next).catch(failed) }, "Show more people");
  const count = h("p", { class: "soft", role: "status" });
  const merge = h("button", { type: "button", class: "main", onclick: () => mergeChosen().catch(failed) }, "Merge");
  const apart = h("button", { type: "button", onclick: () => keepApart().catch(failed) }, "Not the same person");
  const picked = h("div", { class: "picked", hidden: true }, h("span", { role: "status" }), merge, apart,
    h("button", { type: "button", class: "quiet", onclick: () => { state.chosen.clear(); draw(); } }, "Clear"));

  async function load(cursor = null) {
    const query = new URLSearchParams({ limit: PAGE, faces: COVER, text: state.text, least: state.least, ...(cursor && { cursor }) });
    const told = await getJson(inGallery(`/people?${query}`));
    state.people = cursor ? [...state.people, ...told.people] : told.people;
    state.next = told.next;
    draw();
  }
  const again = async () => {
    state.chosen.clear();
    await load();
    if (document.activeElement === document.body) grid.focus({ preventScroll: true }); // what had the focus is gone
  };
  const named = async () => {
    await again();
    [...grid.querySelectorAll(".naming input")].find((field) => !field.value)?.focus({ preventScroll: true }); // the next one to name
  };

  function pick(subject, on) {
    if (on) state.chosen.set(subject.id, subject);
    else state.chosen.delete(subject.id);
    tell();
  }

  function tell() {
    const many = state.chosen.size;
    picked.hidden = !many;
    picked.firstChild.textContent = `${plural(many, "person", "people")} chosen`;
    merge.disabled = many < 2;
    apart.disabled = many !== 2;
  }

  /** The one who has a name, or most faces, stays. */
  async function mergeChosen() {
    const [into, ...others] = [...state.chosen.values()].sort((a, b) => Number(b.named) - Number(a.named) || b.references - a.references);
    await act(person(into.id, "/merge"), { others: others.map((other) => `#${other.id}`) });
    notice(`${plural(others.length + 1, "person", "people")} merged into ${whoText(into.subject)}.`, { undo: again });
    await again();
  }

  async function keepApart() {
    const [a, b] = [...state.chosen.values()];
    await act(person(a.id, "/separate"), { other: `#${b.id}` });
    notice(`${whoText(a.subject)} and ${whoText(b.subject)} are kept apart from now on.`, { undo: again });
    await again();
  }

  function card(subject) {
    const may = session.may("correct");
    const shown = whoText(subject.subject);
    const faces = h("a", { class: `faces n${Math.min(subject.faces.length, COVER)}`, href: addressOf(subject.id), "data-page": true, "aria-label": `${shown}, ${plural(subject.references, "face")}` },
      subject.faces.map((reference) => face(reference)));
    return h("li", { class: "person" },
      may && h("label", { class: "pick" }, h("input", { type: "checkbox", checked: state.chosen.has(subject.id), "aria-label": `Choose ${shown}`, onchange: (event) => pick(subject, event.target.checked) })),
      faces,
      h("div", { class: "who" }, may ? nameForm(subject, named) : h("h2", null, who(subject.subject)),
        h("p", { class: "soft" }, /^#/.test(subject.subject) ? `${shown} · ` : "", plural(subject.references, "face"))));
  }

  function draw() {
    grid.replaceChildren(...state.people.map(card));
    more.hidden = !state.next;
    count.textContent = state.people.length ? `${plural(state.people.length, "person", "people")} shown${state.next ? ", there are more" : ""}` : "";
    if (!state.people.length) grid.append(h("li", { class: "empty" }, state.text || state.least > 1 ? "Nobody here passes this filter." : ["Nobody is in this gallery yet. ", h("a", { href: "/add", "data-page": true }, "Add pictures"), "."]));
    tell();
  }

  async function sort(event) {
    const button = event.target;
    button.disabled = true;
    button.textContent = "Sorting…";
    try {
      const told = await act(inGallery("/groups"), {});
      notice(`Sorted ${plural(told.faces, "face")} into ${plural(told.groups.length, "person", "people")} and ${told.ungrouped.length} seen once. Names and corrections stay.`);
      await again();
    } catch (error) {
      failed(error);
    } finally {
      button.disabled = false;
      button.textContent = "Sort into people";
    }
  }

  let typing = 0;
  const search = h("input", { type: "search", placeholder: "Find a name", "aria-label": "Find a name", autocomplete: "off", spellcheck: "false", oninput: (event) => {
    clearTimeout(typing);
    typing = setTimeout(() => { state.text = event.target.value.trim(); load().catch(failed); }, 200);
  } });
  const once = h("label", { class: "check" }, h("input", { type: "checkbox", onchange: (event) => { state.least = event.target.checked ? 2 : 1; load().catch(failed); } }), "Hide those seen once");
  await load();
  return [h("div", { class: "head" }, h("h1", null, "People"), count),
    h("div", { class: "row controls" }, search, once,
      session.may("group") && h("button", { type: "button", onclick: sort }, "Sort into people"),
      session.may("correct") && h("button", { type: "button", class: "quiet", onclick: () => takeBack(again) }, "Undo last correction")),
    picked, grid, more];
}

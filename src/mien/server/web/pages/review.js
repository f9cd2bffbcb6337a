// Review: one question at a time, the most telling first, one key each.

import { act, getJson, inGallery, person } from "../api.js";
import { h, plural, who, whoText } from "../parts/dom.js";
import { face } from "../parts/faces.js";
import { failed, notice, takeBack } from "../parts/notice.js";
import { scoreBar } from "../parts/scores.js";

const AHEAD = 20;
const nameOf = (question) => [question.kind, ...question.first.faces, "|", ...question.second.faces].join(" ");

export async function render({ signal }) {
  const skipped = new Set();
  const asked = h("h2", { "aria-live": "polite" });
  const place = h("div", { class: "question" });
  const tally = h("p", { class: "soft", role: "status" });
  let waiting = [], told = null, answered = 0, busy = false;

  async function fetchMore() {
    told = await getJson(inGallery(`/questions?limit=${Math.min(AHEAD + skipped.size, 500)}`), { signal });
    waiting = told.questions.filter((question) => !skipped.has(nameOf(question)));
  }

  async function next() {
    if (!waiting.length) await fetchMore();
    draw();
  }

  /** Questions about somebody who changed are out of date. */
  function settle(question) {
    answered++;
    const touched = new Set([question.first.id, question.second.id]);
    waiting = waiting.filter((other) => !touched.has(other.first.id) && !touched.has(other.second.id));
  }

  const again = async () => { waiting = []; answered = Math.max(0, answered - 1); await next(); };

  const answers = {
    async same(question) {
      const { kind, first, second } = question;
      if (kind === "keep") await act(inGallery(`/references/${first.faces[0]}/move`), { subject: `#${second.id}` });
      else {
        const [into, other] = /^#\d+$/.test(first.subject) && !/^#\d+$/.test(second.subject) ? [second, first] : [first, second];
        await act(person(into.id, "/merge"), { others: [`#${other.id}`] });
      }
      settle(question);
      notice("Noted: the same person.", { undo: again });
    },
    async different(question) {
      const { kind, first, second } = question;
      if (kind === "keep") await act(person(second.id, "/split"), { references: first.faces });
      else await act(person(first.id, "/separate"), { other: `#${second.id}` });
      settle(question);
      notice("Noted: two people. They are never joined again.", { undo: again });
    },
    async skip(question) {
      skipped.add(nameOf(question));
      waiting.shift();
    },
  };

  async function answer(kind) {
    if (busy || !waiting.length) return;
    busy = true;
    try {
      await answers[kind](waiting[0]);
    } catch (error) {
      if (![404, 409].includes(error.status)) throw error;
      waiting = []; // it changed meanwhile: ask anew
      failed(error);
    } finally {
      busy = false;
    }
    await next();
  }

  const KEYS = { s: "same", ArrowRight: "same", d: "different", ArrowLeft: "different", k: "skip", ArrowDown: "skip" };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, dialog")) return;
    if (event.key === "u") takeBack(again);
    else if (KEYS[event.key]) {
      event.preventDefault();
      answer(KEYS[event.key]).catch(failed);
    }
  }, { signal });

  const button = (kind, text, key, style) => h("button", { type: "button", class: style, "data-kind": kind, "aria-keyshortcuts": key.toUpperCase(), onclick: () => answer(kind).catch(failed) }, text, h("kbd", { "aria-hidden": "true" }, key.toUpperCase()));
  const side = ({ id, subject, faces }, title) => h("div", { class: "half card" }, h("div", { class: "row faces" }, faces.map((reference, i) => face(reference, i ? "" : title, "large"))),
    h("p", null, h("a", { href: `/?person=${id}`, "data-page": true }, who(subject))));

  function draw() {
    tally.textContent = `${plural(answered, "answer")} so far, ${skipped.size} skipped. ${plural(told.people, "person", "people")}${told.considered < told.people ? `, of whom the ${told.considered.toLocaleString("en")} with most faces are asked about` : ""}.`;
    const question = waiting[0];
    const pressed = document.activeElement?.dataset?.kind;
    asked.hidden = !question;
    if (!question) {
      place.replaceChildren(h("p", { class: "empty" }, skipped.size ? "That was all, apart from what you skipped." : "Nothing to ask: there are too few faces, or all of it was answered."));
      return;
    }
    const keep = question.kind === "keep";
    asked.textContent = keep ? `Does this face belong to ${whoText(question.second.subject)}?` : "Are these the same person?";
    place.replaceChildren(
      h("div", { class: "pair" }, side(question.first, keep ? "The face in doubt" : whoText(question.first.subject)), side(question.second, whoText(question.second.subject))),
      h("p", { class: "row center" }, h("span", { class: "soft" }, "Average cosine between them, and where sorting joins:"), scoreBar(question.score, told.cut, question.score >= told.cut)),
      h("div", { class: "row center answers" }, button("different", "Different", "d"), button("skip", "Skip", "k", "quiet"), button("same", "Same", "s", "main")));
    if (pressed) place.querySelector(`[data-kind="${pressed}"]`).focus(); // who works with the keyboard stays where they were
  }

  await next();
  return [h("div", { class: "head" }, h("h1", null, "Review"), h("p", { class: "soft" }, "Where sorting is least sure, one answer tells it most. Each answer stays, whatever is sorted later.")),
    asked, place, h("p", { class: "row center soft small" }, "Keys: S or → same, D or ← different, K or ↓ skip, U undo."), tally];
}

// Why somebody is kept, for what and until when: shown to everybody who sees the person, changed by who may.

import { act, person } from "../api.js";
import { h, whoText } from "./dom.js";
import { agree, failed, notice } from "./notice.js";
import { session } from "../session.js";

const BASES = { consent: "Consent", contract: "A contract", "legal-obligation": "A legal obligation", "vital-interest": "A vital interest", "public-task": "A public task", "legitimate-interest": "A legitimate interest" };
const day = (utc) => utc?.slice(0, 10) ?? "";

function told(consent) {
  if (!consent) return "Nothing was stated of why this person may be kept.";
  const ended = consent.withdrawn ? `taken back on ${day(consent.withdrawn)}` : consent.in_force ? null : `ended on ${day(consent.expires)}`;
  const parts = [BASES[consent.basis] ?? consent.basis ?? "No basis was stated", consent.scope && `for ${consent.scope}`, consent.given && `since ${day(consent.given)}`,
    consent.in_force && (consent.expires ? `until ${day(consent.expires)}` : "without an end")].filter(Boolean);
  return `${parts.join(", ")}.${ended ? ` It was ${ended}: the person is not matched any more, and is erased by the next sweep.` : ""}`;
}

/** A card about the consent of a person; `after` is called when it was changed. */
export function consentCard(subject, after) {
  const { consent } = subject;
  const shown = h("section", { class: "card consent", "aria-labelledby": "consent-title" }, h("h2", { id: "consent-title" }, "Why this person is kept"),
    h("p", { class: consent && !consent.in_force ? "error" : consent ? null : "soft" }, told(consent)));
  if (!session.may("correct")) return shown;
  const at = person(subject.id, "/consent");
  const known = !consent?.basis || consent.basis in BASES;
  const field = (name, words, input) => h("div", { class: "field" }, h("label", { for: `consent-${name}` }, words), input);
  const basis = h("select", { id: "consent-basis" }, [...Object.entries(BASES), ...(known ? [] : [[consent.basis, consent.basis]])].map(([value, words]) => h("option", { value, selected: value === (consent?.basis ?? "consent") }, words)));
  const scope = h("input", { id: "consent-scope", value: consent?.scope ?? "", maxlength: 1000, autocomplete: "off", placeholder: "such as the door at night" });
  const until = h("input", { id: "consent-until", type: "date", value: consent?.in_force ? day(consent.expires) : "", min: new Date(Date.now() + 864e5).toISOString().slice(0, 10) });
  const save = async () => {
    const { given } = consent?.withdrawn ? {} : consent ?? {};
    await act(at, { basis: basis.value, scope: scope.value.trim(), ...(given && { given }), expires: until.value || null }, "PUT");
    notice(`It is noted why ${whoText(subject.subject)} is kept.`);
    await after();
  };
  const withdraw = async () => {
    if (!await agree(consent ? "Take the consent back?" : "Does this person object?", `${whoText(subject.subject)} is not matched from now on, and is erased by the next sweep. Stating a basis again renews it.`, consent ? "Take it back" : "They object")) return;
    await act(at, null, "DELETE");
    notice(`${whoText(subject.subject)} is not matched any more.`);
    await after();
  };
  shown.append(h("details", null, h("summary", null, consent ? "Change" : "State it"),
    h("form", { class: "fields", onsubmit: (event) => { event.preventDefault(); save().catch(failed); } },
      field("basis", "Basis", basis), field("scope", "For what", scope), field("until", "Until (empty: no end)", until),
      h("div", { class: "row" }, h("button", { class: "main" }, "Save"),
        !consent?.withdrawn && h("button", { type: "button", class: "quiet danger", onclick: () => withdraw().catch(failed) }, consent ? "Take it back" : "They object")))));
  return shown;
}

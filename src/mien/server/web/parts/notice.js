// One line at the foot of the page: what was done, with a way back, or what went wrong.

import { act, inGallery } from "../api.js";
import { h } from "./dom.js";

const SHOWN_MS = 12_000;
let timer = 0;

const place = () => document.getElementById("notice");

/** Say something; `undo` is called with the answer once it was taken back. */
export function notice(text, { undo, bad = false } = {}) {
  clearTimeout(timer);
  const row = h("div", { class: bad ? "bad" : null }, h("span", null, text));
  if (undo) row.append(h("button", { type: "button", onclick: () => takeBack(undo) }, "Undo"));
  row.append(h("button", { type: "button", class: "close", "aria-label": "Dismiss", onclick: clear }, "×"));
  place().replaceChildren(row);
  if (!bad) timer = setTimeout(clear, SHOWN_MS);
}

export const clear = () => place().replaceChildren();

/** Show why something failed; what is no refusal of the server is a fault of ours and goes to the console too. */
export function failed(error) {
  if (error.name === "AbortError") return;
  if (error.status === undefined) console.error(error);
  notice(sentence(error.message), { bad: true });
}

export const sentence = (text) => text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

const WORDS = { rename: "naming", merge: "merge", move: "move", separate: "separation", split: "split" };

/** Take back the latest correction of this gallery. */
export async function takeBack(after) {
  try {
    const told = await act(inGallery("/undo"));
    notice(`Undone: the ${WORDS[told.undone] ?? told.undone}.`);
    await after?.(told);
  } catch (error) {
    failed(error);
  }
}

/** Ask before something that cannot be undone; true when the reader agrees. */
export function agree(title, text, yes) {
  return new Promise((resolve) => {
    const dialog = h("dialog", { "aria-labelledby": "agree-title", onclose: () => {
      resolve(dialog.returnValue === "yes");
      dialog.remove();
    } },
    h("form", { method: "dialog" },
      h("h2", { id: "agree-title" }, title), h("p", null, text),
      h("div", { class: "row end" },
        h("button", { value: "no", class: "quiet" }, "Cancel"), h("button", { value: "yes", class: "danger" }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

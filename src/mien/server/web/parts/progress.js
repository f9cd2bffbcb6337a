// How far a number of pictures is, and what became of those that gave nothing.

import { h, plural } from "./dom.js";

/**
 * @param {number} total pictures
 * @param {() => void} cancel
 */
export function progress(total, cancel) {
  const began = performance.now();
  const bar = h("progress", { max: total, value: 0, "aria-label": "Pictures done" });
  const text = h("p", { role: "status" }, `0 of ${plural(total, "picture")}`);
  const title = h("h2", null, "Adding");
  const button = h("button", { type: "button", class: "quiet", onclick: cancel }, "Stop");
  const list = h("ul", { class: "failures" });
  const summary = h("summary");
  const details = h("details", { hidden: true }, summary, list);
  let failures = 0, refused = 0;

  function left(done) {
    const seconds = (performance.now() - began) / 1000;
    if (done >= total) return ` in ${Math.max(1, Math.round(seconds))} s`;
    return done ? `, about ${plural(Math.ceil(seconds / done * (total - done)), "second")} to go` : "";
  }

  return {
    elements: [h("div", { class: "row between" }, title, button), bar, text, details],
    refused: () => refused,

    /** sent: on their way; done: looked at, of which so many faces came and so many pictures were there before. */
    tell({ sent, done = 0, faces = 0, known = 0 }) {
      if (sent !== undefined) {
        bar.removeAttribute("value"); // nothing is looked at until all have come
        text.textContent = `Sending: ${sent.toLocaleString("en")} of ${plural(total, "picture")}`;
        return;
      }
      bar.value = done;
      text.textContent = `${done.toLocaleString("en")} of ${plural(total, "picture")}: ${plural(faces, "new face")}${known ? `, ${plural(known, "picture")} here already` : ""}${left(done)}`;
    },

    /** Pictures that gave nothing, with the reasons. */
    fail(rows, { refused: bySize = false } = {}) {
      failures += rows.length;
      if (bySize) refused += rows.length;
      list.append(...rows.map(({ file, reason, message }) => h("li", null, h("bdi", null, file), h("span", null, h("code", null, reason), " ", message.replace(`${file}: `, "")))));
      details.hidden = !failures;
      summary.textContent = `${plural(failures, "picture")} that gave no face`;
    },

    end(words) {
      title.textContent = words;
      button.hidden = true;
      if (!bar.hasAttribute("value")) bar.value = 0;
    },
  };
}

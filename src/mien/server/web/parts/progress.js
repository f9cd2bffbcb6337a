// How far a number of pictures is, and what became of those that gave nothing.

import { h, plural } from "./dom.js";

/**
 * @param {number | null} total pictures; null when nobody knows yet
 * @param {() => void} cancel
 */
export function progress(total, cancel) {
  let all = total ?? 0;
  const began = performance.now();
  const bar = h("progress", { max: all || 1, value: 0, "aria-label": "Pictures done" });
  const text = h("p", { role: "status" }, total === null ? "Counting the pictures" : `0 of ${plural(all, "picture")}`);
  const title = h("h2", null, "Adding");
  const button = h("button", { type: "button", class: "quiet", onclick: cancel }, "Stop");
  const list = h("ul", { class: "failures" });
  const summary = h("summary");
  const details = h("details", { hidden: true }, summary, list);
  let failures = 0, refused = 0, first = null;

  function left(done, took) {
    const seconds = (performance.now() - began) / 1000;
    if (done >= all) return ` in ${Math.max(1, Math.round(took ?? seconds))} s`;
    first ??= { done, seconds };
    const speed = (done - first.done) / (seconds - first.seconds); // some were done before this page was opened
    return speed > 0 ? `, about ${plural(Math.ceil((all - done) / speed), "second")} to go` : "";
  }

  return {
    elements: [h("div", { class: "row between" }, title, button), bar, text, details],
    refused: () => refused,

    /**
     * sent: on their way; done: looked at, of which so many faces came and so many pictures were there before;
     * total: pictures that arrived, besides those that were refused; took: seconds of all, when it is over.
     */
    tell({ sent, total: arrived, done: looked = 0, faces = 0, known = 0, took }) {
      if (sent !== undefined) {
        bar.removeAttribute("value"); // nothing is looked at until all have come
        text.textContent = `Sending: ${sent.toLocaleString("en")} of ${plural(all, "picture")}`;
        return;
      }
      if (typeof arrived === "number") bar.max = Math.max(1, all = arrived + refused);
      const done = looked + (typeof arrived === "number" ? refused : 0);
      bar.value = done;
      text.textContent = `${done.toLocaleString("en")} of ${plural(all, "picture")}: ${plural(faces, "new face")}${known ? `, ${plural(known, "picture")} here already` : ""}${left(done, took)}`;
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

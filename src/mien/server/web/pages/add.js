// Add: pictures into the gallery. Those of many people become a job of the server, which goes on when this page is left;
// those of one person are enrolled under the name.

import { act, getJson, inGallery, pictureForm } from "../api.js";
import { h } from "../parts/dom.js";
import { dropPlace } from "../parts/drop.js";
import { rememberSent } from "../parts/faces.js";
import { follow } from "../parts/follow.js";
import { failed, notice, sentence } from "../parts/notice.js";
import { progress } from "../parts/progress.js";
import { session } from "../session.js";

const FILES = 16; // of one request
const BYTES = 8e6;
const TOO_MUCH = [400, 408, 413, 415, 422]; // about what was sent, not about the server or the key

/** Files in requests that stay below the server's limits. */
export function batches(files) {
  const found = [];
  let size = 0;
  for (const file of files) {
    if (!found.length || found.at(-1).length === FILES || size + file.size > BYTES) {
      found.push([]);
      size = 0;
    }
    found.at(-1).push(file);
    size += file.size;
  }
  return found;
}

const refusal = (file, error) => ({ file: file.name, reason: error.code, message: error.message });

export async function render({ signal, go }) {
  let busy = false;
  const report = h("section", { class: "report card", hidden: true, "aria-label": "Progress" });
  const name = h("input", { id: "name", disabled: true, placeholder: "Name", autocomplete: "off", spellcheck: "false", "aria-label": "Name of the person" });
  const kind = (value, text, extra) => h("label", { class: "check" }, h("input", { type: "radio", name: "kind", value, checked: value === "all", onchange: () => { name.disabled = value === "all"; if (!name.disabled) name.focus(); } }), text, extra);

  async function add(files) {
    const subject = name.disabled ? null : name.value.trim();
    if (subject === "") {
      name.focus();
      throw Object.assign(new Error("write the name of the person first"), { status: 0 });
    }
    if (busy) throw Object.assign(new Error("wait until the pictures before are done, or stop them"), { status: 0 });
    await watch(files.length, (view, stop) => (subject === null ? upload(files, view, stop, signal) : enrol(files, subject, view, stop)), subject === null);
  }

  /** Show how some work goes, and what can be done after it. */
  async function watch(total, work, sortable) {
    busy = true;
    const stop = new AbortController();
    const view = progress(total, () => stop.abort());
    report.replaceChildren(...view.elements);
    report.hidden = false;
    report.scrollIntoView({ block: "nearest" });
    try {
      const faces = await work(view, stop.signal);
      view.end("Done");
      if (faces > 0 && sortable && session.may("group")) report.append(h("button", { type: "button", class: "main", onclick: (event) => sort(event.target).catch(failed) }, "Sort into people"));
    } catch (error) {
      view.end(error.name === "AbortError" ? "Stopped; what was added stays" : sentence(error.message));
      failed(error);
    } finally {
      busy = false;
    }
    report.append(h("p", null, h("a", { href: "/", "data-page": true }, "See the people")));
  }

  async function sort(button) {
    button.disabled = true;
    button.textContent = "Sorting…";
    const told = await act(inGallery("/groups"), {});
    await go("/");
    notice(`Sorted ${told.faces} faces into ${told.groups.length} people and ${told.ungrouped.length} seen once.`);
  }

  /** Work that goes on since before this page was opened, or opened again. */
  async function resume() {
    const { jobs } = await getJson(inGallery("/jobs?limit=20"), { signal });
    const job = jobs.find((each) => each.kind === "index" && ["queued", "running"].includes(each.state));
    if (job && !busy) await watch(job.total, (view, stop) => finish(`/v1/jobs/${job.id}`, view, stop, signal, true), true);
  }

  const kept = h("span");
  getJson(inGallery(), { signal }).then(({ crops }) => {
    kept.textContent = crops.kept ? "A small picture of each face is kept with it, and goes when the face goes." : "Faces that you add here are shown until you reload or close this page; whoever runs the server can choose to keep a small picture of each.";
  }).catch(failed);
  if (session.may("jobs")) resume().catch(failed);
  return [h("div", { class: "head" }, h("h1", null, "Add"), h("p", { class: "soft" }, "What is needed to recognise faces is stored; the pictures themselves are not kept by the server. ", kept)),
    h("fieldset", { class: "row" }, h("legend", null, "Whose faces are in the pictures?"), kind("all", "Many people’s; sort them later"), kind("one", "One person’s, one face a picture: ", name)),
    dropPlace({ label: "Drop pictures or a folder here", take: add, several: true, camera: true }), report];
}

/** Many people's pictures, as a job: sent, then followed until it has ended. How many faces came. */
async function upload(files, view, stop, left) {
  const job = await act(inGallery("/jobs"), { kind: "index" });
  const at = `/v1/jobs/${job.id}`;
  const stay = (event) => event.preventDefault(); // what is not sent yet would be lost; the rest goes on without a reader
  addEventListener("beforeunload", stay);
  try {
    let sent = 0;
    for (const batch of batches(files)) {
      await give(batch, at, view, stop);
      view.tell({ sent: sent += batch.length });
    }
    if (sent === view.refused()) return act(`${at}/cancel`).then(() => 0);
    await act(`${at}/start`);
  } catch (error) {
    if (stop.aborted) await act(`${at}/cancel`);
    throw error;
  } finally {
    removeEventListener("beforeunload", stay);
  }
  return finish(at, view, stop, left);
}

/** Send some pictures; a request that is too large is sent one picture at a time. */
async function give(files, at, view, signal) {
  signal.throwIfAborted();
  try {
    await getJson(`${at}/pictures`, { form: pictureForm(files.map((file) => ["image", file])), signal });
    for (const file of files) await rememberSent(file);
  } catch (error) {
    if (!TOO_MUCH.includes(error.status)) throw error;
    if (files.length === 1) view.fail([refusal(files[0], error)], { refused: true });
    else for (const file of files) await give([file], at, view, signal);
  }
}

/** Follow a job until it has ended or the page is left, when it goes on without a reader. How many faces came. */
async function finish(at, view, stop, left, resumed = false) {
  try {
    for await (const job of follow(at, AbortSignal.any([stop, left]))) {
      view.tell({ total: job.total, done: job.done, faces: job.faces, known: job.skipped, took: resumed && job.ended ? (Date.parse(job.ended) - Date.parse(job.started)) / 1000 : undefined });
      if (job.ended === null) continue;
      if (job.failed) view.fail(await allFailures(at));
      if (job.state === "failed") throw Object.assign(new Error(job.message ?? "the job failed"), { status: 0 });
      return job.faces;
    }
  } catch (error) {
    if (stop.aborted) await act(`${at}/cancel`);
    throw error;
  }
}

async function allFailures(at) {
  const found = [];
  for (let cursor = null; ;) {
    const told = await getJson(`${at}/failures?limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
    found.push(...told.failures);
    if (!(cursor = told.next)) return found;
  }
}

/** One person's pictures, a few at a time. How many faces came. */
async function enrol(files, subject, view, signal) {
  let faces = 0, known = 0, done = 0;
  const send = async (batch) => {
    signal.throwIfAborted();
    try {
      const told = await getJson(inGallery(`/subjects/${encodeURIComponent(subject)}/references`), { form: pictureForm(batch.map((file) => ["image", file])), signal });
      faces += told.references.length;
      known += told.references.length - told.added;
      view.fail(told.failures);
      for (const file of batch) await rememberSent(file);
    } catch (error) {
      if (!TOO_MUCH.includes(error.status)) throw error;
      if (batch.length > 1) {
        for (const file of batch) await send([file]);
        return;
      }
      view.fail([refusal(batch[0], error)]);
    }
    view.tell({ done: done += batch.length, faces, known });
  };
  for (const batch of batches(files)) await send(batch);
  return faces;
}

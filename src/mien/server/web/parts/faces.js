// Small pictures of stored faces. The server has one where the gallery keeps them, or cuts it out of the file that the
// face came from, if that is still there. Otherwise, of what was sent from this page, the page itself cuts the face, for
// as long as it is open.

import { ask, getJson, inGallery } from "../api.js";
import { session } from "../session.js";
import { h } from "./dom.js";
import { drawn } from "./drawn.js";
import { cutUrl, decode } from "./picture.js";

const AT_ONCE = 4; // requests; the server has places for others too
const SIDE = 160;
const urls = new Map(); // gallery/reference: object URL, or null without a picture
const sent = new Map(); // SHA-256 of a picture that was sent: its file, which stays on the reader's disk
const waiting = [];
let running = 0;

const keyOf = (reference) => `${session.gallery}/${reference}`;

/** Remember a picture that is sent, so that its faces can be shown while this page is open. */
export async function rememberSent(file) {
  if (!crypto.subtle) return; // neither TLS nor this machine: browsers do not hash then
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  sent.set([...digest].map((byte) => byte.toString(16).padStart(2, "0")).join(""), file);
  for (const [key, url] of urls) if (url === null) urls.delete(key);
}

/** Forget pictures of faces, of all or of these references. */
export function dropFaces(references) {
  for (const key of references?.map(keyOf) ?? [...urls.keys()]) {
    if (urls.get(key)) URL.revokeObjectURL(urls.get(key));
    urls.delete(key);
  }
  if (!references) sent.clear();
}

async function load(reference) {
  const key = keyOf(reference);
  if (!urls.has(key)) urls.set(key, await crop(reference));
  return urls.get(key);
}

/** The URL of a crop, or null without a picture. */
async function crop(reference) {
  try {
    const answer = await ask(inGallery(`/references/${reference}/crop?side=${SIDE}`));
    return URL.createObjectURL(await answer.blob());
  } catch (error) {
    if (![404, 415, 422].includes(error.status)) throw error;
  }
  if (!sent.size) return null;
  const { sha256, box } = await getJson(inGallery(`/references/${reference}`));
  return sent.has(sha256) ? cutUrl(await decode(sent.get(sha256)), box, SIDE) : null;
}

function next() {
  while (running < AT_ONCE && waiting.length) {
    const work = waiting.shift();
    if (!work.element.isConnected) continue;
    running++;
    work.run().finally(() => { running--; next(); });
  }
}

const seen = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    seen.unobserve(target);
    waiting.push({ element: target, run: () => show(target) });
  }
  next();
}, { rootMargin: "200px" });

async function show(element) {
  try {
    const url = await load(Number(element.dataset.reference));
    if (url) element.querySelector("img, svg").replaceWith(image(url, element.dataset.alt));
    else element.title = "The picture is not kept on the server";
  } catch {
    element.title = "The picture cannot be shown now"; // the face is still there, as a drawing
  }
}

const image = (url, alt) => h("img", { src: url, alt, draggable: "false" });

/** A stored face that fetches its picture when it comes into view; alt "" where a text beside it says who it is. */
export function face(reference, alt = "", size = "") {
  const known = urls.get(keyOf(reference));
  const element = h("span", { class: `face ${size}`, "data-reference": reference, "data-alt": alt }, known ? image(known, alt) : drawn(alt));
  if (!known) seen.observe(element);
  return element;
}

// Requests to the server this page came from. A refusal is a Problem that holds one line for the reader.

import { session } from "./session.js";

const PATIENCE = 6; // tries while the server asks to come back later
const LONGEST_WAIT_S = 20;

/** An RFC 9457 answer, or no answer at all. */
export class Problem extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function problemOf(answer) {
  try {
    const told = await answer.json();
    return new Problem(answer.status, (told.type ?? "").replace("urn:mien:", ""), told.detail ?? answer.statusText);
  } catch {
    return new Problem(answer.status, "", `the server answered ${answer.status}`);
  }
}

/**
 * One request, tried again while the server is busy.
 * @param {string} path below the server, encoded
 * @param {{method?: string, json?: unknown, form?: FormData, signal?: AbortSignal, key?: string, headers?: Record<string, string>, patience?: number}} options
 * @returns {Promise<Response>}
 */
export async function ask(path, { method, json, form, signal, key = session.key, headers: more = {}, patience = PATIENCE } = {}) {
  const headers = { ...more, ...(key && { Authorization: `Bearer ${key}` }) };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  const body = json === undefined ? form : JSON.stringify(json);
  for (let left = patience; ; left--) {
    let answer;
    try {
      answer = await fetch(path, { method: method ?? (body ? "POST" : "GET"), headers, body, signal });
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Problem(0, "unreachable", "the server cannot be reached; is `mien serve` running?");
    }
    if (answer.ok) return answer;
    const wait = Number(answer.headers.get("Retry-After"));
    if (![429, 503].includes(answer.status) || !(wait > 0) || left === 0) {
      const problem = await problemOf(answer);
      if (problem.status === 401 && session.key) dispatchEvent(new CustomEvent("mien:refused", { detail: problem }));
      throw problem;
    }
    await sleep(Math.min(wait, LONGEST_WAIT_S) * (0.75 + Math.random() / 2));
  }
}

export const getJson = async (path, options) => (await ask(path, options)).json();

/** The address of something in the chosen gallery. */
export const inGallery = (path = "") => `/v1/galleries/${encodeURIComponent(session.gallery)}${path}`;

/** A person is addressed by number: names can hold anything, and change. */
export const person = (id, path = "") => inGallery(`/subjects/${encodeURIComponent(`#${id}`)}${path}`);

/** Something done to the gallery, given as JSON; the answer's JSON, or null when it has none. */
export async function act(path, json = {}, method = "POST") {
  const answer = await ask(path, { method, json: method === "DELETE" ? undefined : json });
  return answer.status === 204 ? null : answer.json();
}

/** Pictures as a form; names of parts say what they are. */
export function pictureForm(parts) {
  const form = new FormData();
  for (const [name, file] of parts) form.append(name, file, file.name ?? "camera.jpg");
  return form;
}

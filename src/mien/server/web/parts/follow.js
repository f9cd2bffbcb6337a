// A job's progress as server-sent events, read with fetch since an EventSource cannot carry a key. A line that breaks is
// taken up again where it ended; where events do not come through at all, the job is asked for again and again.

import { ask, getJson } from "../api.js";

const FIRST_MS = 5_000; // the server tells the state at once; what is silent holds events back
const SILENCE_MS = 40_000; // and says something every 15 s
const POLL_MS = 700;
const PATIENCE_MS = 120_000; // a server that is started again goes on with its jobs
const FINAL = [401, 403, 404];

export const later = (ms, signal) => new Promise((done, bad) => {
  signal.throwIfAborted();
  const left = () => { clearTimeout(timer); bad(signal.reason); };
  const timer = setTimeout(() => { signal.removeEventListener("abort", left); done(); }, ms);
  signal.addEventListener("abort", left, { once: true });
});

/** The job at an address each time it changed, until it has ended. */
export async function* follow(at, signal) {
  let last = 0, events = true, since = performance.now();
  for (;;) {
    try {
      for await (const job of events ? stream(at, last, signal) : []) {
        [last, since] = [job.version, performance.now()];
        yield job;
        if (job.ended !== null) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (FINAL.includes(error.status)) throw error;
      events = last > 0; // where none ever came, something in between holds them back
    }
    try {
      const job = await getJson(at, { signal });
      since = performance.now();
      if (job.version > last || job.ended !== null) {
        last = job.version;
        yield job;
        if (job.ended !== null) return;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (error.status !== 0 || performance.now() - since > PATIENCE_MS) throw error;
    }
    await later(POLL_MS, signal);
  }
}

/** The jobs that one line carries. */
async function* stream(at, last, signal) {
  const line = new AbortController();
  const hangUp = () => line.abort();
  signal.addEventListener("abort", hangUp);
  const wait = (ms) => setTimeout(hangUp, ms);
  let timer = wait(last ? SILENCE_MS : FIRST_MS);
  try {
    const answer = await ask(`${at}/events`, { signal: line.signal, headers: last ? { "Last-Event-ID": last } : {}, patience: 0 });
    if (!answer.body) return;
    let text = "";
    for await (const piece of chunks(answer.body.pipeThrough(new TextDecoderStream()))) {
      clearTimeout(timer);
      timer = wait(SILENCE_MS);
      const blocks = (text + piece).split("\n\n");
      text = blocks.pop();
      for (const block of blocks) {
        const data = block.split("\n").filter((row) => row.startsWith("data: ")).map((row) => row.slice(6)).join("\n");
        if (data) yield JSON.parse(data);
      }
    }
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", hangUp);
    hangUp();
  }
}

/** What a stream brings; not every browser can walk through one. */
async function* chunks(readable) {
  const reader = readable.getReader();
  for (let step; !(step = await reader.read()).done;) yield step.value;
}

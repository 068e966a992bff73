// A job as it goes: told by the service as long as it does, asked for again and again where it does not.
import { ask, headers } from "./api.js";

const AGAIN_MS = 1000;
const ENDED = ["done", "failed", "cancelled"];
export const hasEnded = (job) => ENDED.includes(job.state);

/** Hear of each change of a job until it has ended, or the answer is called. */
export function follow(id, hear) {
  const stop = new AbortController();
  run(id, hear, stop.signal).catch(() => {});
  return () => stop.abort();
}

async function run(id, hear, stop) {
  try {
    if (await streamed(id, hear, stop)) return;
  } catch (error) {
    if (stop.aborted) return;
  }
  while (!stop.aborted) {
    const job = await ask(`v1/jobs/${id}`, undefined, stop);
    hear(job);
    if (hasEnded(job)) return;
    await new Promise((go) => setTimeout(go, AGAIN_MS));
  }
}

/** Tells whether the job has ended. */
async function streamed(id, hear, stop) {
  const answer = await fetch(new URL(`v1/jobs/${id}/events`, document.baseURI), { headers: headers("text/event-stream"), signal: stop });
  if (!answer.ok) return false;
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    const events = (rest + part.value).split("\n\n");
    rest = events.pop();
    for (const job of events.flatMap(jobOf)) {
      hear(job);
      if (hasEnded(job)) return true;
    }
  }
  return false;
}

/** What an event tells; a remark tells nothing. */
export const jobOf = (event) =>
  event.split("\n").filter((line) => line.startsWith("data: ")).map((line) => JSON.parse(line.slice(6)));

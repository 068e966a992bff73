// All that is asked of the service goes through here.
import { signal } from "./html.js";

const base = new URL(document.baseURI);
const KEY = "nearkin-key";

/** What went wrong, in the words of the service. */
export class Refusal extends Error {
  constructor(problem, status) {
    super(problem.detail || problem.title || `status ${status}`);
    this.problem = problem;
    this.status = status;
  }
}

/** Whether a key is wanted: shown as a form. */
export const locked = signal(false);

export function useKey(key) {
  sessionStorage.setItem(KEY, key);
  locked.value = false;
}

/** @param {string} path @param {object} [body] asked by POST where there is one */
export async function ask(path, body, stop) {
  const headers = { Accept: "application/json" };
  const key = sessionStorage.getItem(KEY);
  if (key) headers.Authorization = `Bearer ${key}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(new URL(path, base), {
    method: body === undefined ? "GET" : "POST",
    headers,
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: stop,
  });
  if (answer.status === 401) locked.value = true;
  const told = await told_of(answer);
  if (!answer.ok) throw new Refusal(told, answer.status);
  return told;
}

async function told_of(answer) {
  const kind = answer.headers.get("content-type") ?? "";
  if (kind.includes("json")) return answer.json();
  return answer.ok ? answer.arrayBuffer() : { title: answer.statusText };
}

/** A way to ask of which only the last question counts: the ones before are dropped, and late answers never show. */
export function latest() {
  let running = null;
  return async (path, body) => {
    running?.abort();
    const mine = (running = new AbortController());
    try {
      return await ask(path, body, mine.signal);
    } catch (error) {
      if (mine.signal.aborted) return new Promise(() => {});
      throw error;
    }
  };
}

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

/** The version of the collection that the view's answer is from, and the newest that any answer told of. */
export const answered = signal(0);
export const newest = signal(0);
const ANSWERS = /^v1\/(search|similar|recommend|compare|items)/;

/** What was asked last, newest first; what the page asks for itself is not among them. */
export const asked = signal([]);
const ASIDE = /^version$|^v1\/(info|map:things)|^v1\/judgements\?query=[^&]*$/; // the last: which grades a list has
const HELD = 8;

function note(method, path, body) {
  if (ASIDE.test(path)) return;
  const key = sessionStorage.getItem(KEY) !== null;
  asked.value = [{ method, path, body, key }, ...asked.value.filter((each) => each.path !== path || each.method !== method)].slice(0, HELD);
}

/** What each request bears: the form wanted, and the key. */
export function headers(accept) {
  const key = sessionStorage.getItem(KEY);
  return { Accept: accept, ...(key && { Authorization: `Bearer ${key}` }) };
}

/** @param {string} path @param {object} [body] asked by POST where there is one */
export async function ask(path, body, stop, method = body === undefined ? "GET" : "POST") {
  note(method, path, body);
  const answer = await fetch(new URL(path, base), {
    method,
    headers: { ...headers("application/json"), ...(body !== undefined && { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
    signal: stop,
  });
  if (answer.status === 401) locked.value = true;
  const told = await told_of(answer);
  if (!answer.ok) throw new Refusal(told, answer.status);
  const version = told.catalogue ?? told.version;
  if ((ANSWERS.test(path) || /^(version|v1\/info)$/.test(path)) && version > newest.value) newest.value = version;
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
      const told = await ask(path, body, mine.signal);
      if (ANSWERS.test(path)) answered.value = told.version;
      return told;
    } catch (error) {
      if (mine.signal.aborted) return new Promise(() => {});
      throw error;
    }
  };
}

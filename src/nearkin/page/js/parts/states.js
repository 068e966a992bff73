// What a view shows when it has no answer to show.
import { useKey } from "../api.js";
import { html, useEffect, useState } from "../html.js";

/** Grey lines, only after a moment, so that fast answers do not flicker. */
export function Loading() {
  const [late, tell] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => tell(true), 150);
    return () => clearTimeout(timer);
  }, []);
  return late ? html`<div class="loading" role="status" aria-label="loading"><i></i><i></i><i></i></div>` : null;
}

export function Trouble({ error, again }) {
  const problem = error.problem ?? {};
  const flaws = problem.errors ?? [];
  return html`<div class="trouble" role="alert">
    <strong>${problem.title || "The service cannot be reached"}</strong>
    <p>${error.message}</p>
    ${flaws.map((flaw) => html`<p key=${flaw.pointer}>${flaw.message}${flaw.did_you_mean ? html`; did you mean <b>${flaw.did_you_mean}</b>?` : ""}</p>`)}
    ${problem.request_id && html`<small>request ${problem.request_id}</small>`}
    ${again && html`<button onClick=${again}>Try again</button>`}
  </div>`;
}

export function KeyForm({ done }) {
  const [key, type] = useState("");
  const use = (event) => {
    event.preventDefault();
    useKey(key.trim());
    done();
  };
  return html`<form class="key" onSubmit=${use}>
    <label>This service asks for a key <input type="password" value=${key} onInput=${(event) => type(event.target.value)} /></label>
    <button>Use it</button>
  </form>`;
}

export const Empty = ({ children }) => html`<p class="empty" role="status">${children}</p>`;

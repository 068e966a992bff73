import { html } from "../html.js";

/** A text cut at its spans, which count characters (code points): [[text, whether marked], ...]. */
export function pieces(text, spans) {
  const signs = Array.from(text);
  const found = [];
  let at = 0;
  for (const [start, end] of spans) {
    if (start > at) found.push([signs.slice(at, start).join(""), false]);
    found.push([signs.slice(start, end).join(""), true]);
    at = end;
  }
  if (at < signs.length) found.push([signs.slice(at).join(""), false]);
  return found;
}

/** A text with its matches marked. */
export const Marked = ({ text, spans = [] }) => pieces(text, spans).map(([part, hit]) => (hit ? html`<mark>${part}</mark>` : part));

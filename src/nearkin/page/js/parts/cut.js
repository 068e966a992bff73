// The line in a list of hits under which hardly anything fits, where the collection knows how sure it is.
import { html } from "../html.js";
import { change, one } from "../place.js";

export const SHARE = 0.05;

/** How many hits of the page stand above the line, whether the line is on this page, and whether what is under it is wanted too. */
export function reach(answer, offset) {
  const cut = answer.cuts?.[0], count = answer.hits[0].length;
  const all = !cut || one("cut") === "0";
  if (!cut) return { until: count, line: false, all };
  const until = Math.max(0, Math.min(count, cut.rank - offset));
  const line = cut.under > 0 && offset <= cut.rank && cut.rank < offset + count;
  return { until, line, all: all || offset > cut.rank };
}

/** The line itself, and how to see what is under it. */
export function Cut({ cut, hidden }) {
  const count = `${cut.exact ? "" : "more than "}${cut.under.toLocaleString()}`;
  return html`<div class="cut" role="group" aria-label="the cut"><span>under here fewer than 1 in ${Math.round(1 / SHARE)} fit
    ${hidden ? html` <button onClick=${() => change({ cut: "0" })}>show ${count} more</button>` : html` <button onClick=${() => change({ cut: null })}>hide them</button>`}</span></div>`;
}

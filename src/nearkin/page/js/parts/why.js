import { html } from "../html.js";
import { itemPath } from "../place.js";

const MOST = 8;

/** Why a hit is there: a bar for each part, which together make the score, and what each part says in words of the data. */
export function Why({ why, score }) {
  const parts = Object.entries(why.parts ?? {});
  const most = Math.max(...parts.map(([, value]) => Math.abs(value)), 1e-12);
  return html`<dl class="why">
    ${parts.map(
      ([name, value]) => html`<div key=${name}>
        <dt>${name}</dt>
        <dd><meter min="0" max="1" value=${Math.abs(value) / most}></meter> ${signed(value)} <span>${said(why[name] ?? (name === "history" ? why["because of"] : null))}</span></dd>
      </div>`,
    )}
    <div><dt>score</dt><dd>${signed(score)}</dd></div>
  </dl>`;
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toPrecision(3)}`;

/** What a part tells of itself: a likeness, or words and things with what each added. */
function said(details) {
  if (details == null) return "";
  if (typeof details === "number") return `likeness ${details.toFixed(3)}`;
  if (typeof details !== "object") return String(details);
  const rows = Object.entries(details).filter(([, value]) => typeof value === "number");
  rows.sort(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  return rows.slice(0, MOST).map(([name, value]) => html`<span key=${name} class="word">${name} <small>${value.toPrecision(2)}</small></span>`);
}

/** The things of a history that brought a hit. */
export const Because = ({ ids }) => html`<small>because of ${ids.map((id) => html`<a key=${id} href=${itemPath(id)}>${id}</a> `)}</small>`;

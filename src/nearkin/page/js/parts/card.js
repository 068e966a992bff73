import { html, useState } from "../html.js";
import { itemPath } from "../place.js";
import { fieldsOf } from "../shop.js";
import { add, held } from "./history.js";
import { Grade } from "./judging.js";
import { Marked } from "./marked.js";
import { Why } from "./why.js";

const SHOWN = 300; // characters of a text on a card

/** A hit: its title, the start of its texts, its score, and what can be done with it. */
export function Card({ hit, best = 0, sign = "" }) {
  const [open, turn] = useState(false);
  const share = best > 0 ? Math.max(0, Math.min(1, hit.score / best)) : 0;
  return html`<article class="card" data-id=${hit.id} tabindex="-1" dir="auto">
    <h3>
      <span class="rank">${hit.rank}</span>${sign}
      <a href=${itemPath(hit.id)}>${title(hit)}</a>
      ${best > 0 && html`<meter min="0" max="1" value=${share} title=${`score ${hit.score.toPrecision(4)}`}></meter>`}
      <${Grade} item=${hit.id} />
      ${hit.relevance != null && html`<small class="chance">${Math.round(100 * hit.relevance)} %</small>`}
    </h3>
    ${body(hit)}
    <p class="tags">${fieldsOf("category").flatMap((name) => [hit.fields[name]].flat().filter((value) => value != null).map((value) => html`<span key=${`${name}${value}`}>${String(value)}</span>`))}</p>
    <p class="actions">
      <a class="button" href=${`${itemPath(hit.id)}?face=neighbours`}>similar</a>
      <button onClick=${() => add(hit.id)} disabled=${held().includes(hit.id)}>+ next</button>
      ${hit.why && html`<button aria-expanded=${open} onClick=${() => turn(!open)}>why</button>`}
    </p>
    ${open && html`<${Why} why=${hit.why} score=${hit.score} />`}
  </article>`;
}

function title(hit) {
  const field = fieldsOf("text").find((name) => hit.fields[name] === hit.title);
  return html`<${Marked} text=${hit.title || hit.id} spans=${field && hit.title ? hit.spans?.[field] : []} />`;
}

function body(hit) {
  const names = fieldsOf("text").filter((name) => typeof hit.fields[name] === "string" && hit.fields[name] && hit.fields[name] !== hit.title);
  return names.slice(0, 2).map((name) => {
    const whole = hit.fields[name];
    const signs = Array.from(whole);
    const text = signs.length > SHOWN ? `${signs.slice(0, SHOWN).join("")}…` : whole;
    const spans = (hit.spans?.[name] ?? []).filter(([, end]) => end <= SHOWN);
    return html`<p key=${name} class="text"><${Marked} text=${text} spans=${spans} /></p>`;
  });
}

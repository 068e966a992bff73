import { ask, latest } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Card } from "../parts/card.js";
import { add } from "../parts/history.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { one } from "../place.js";

const similar = latest();

/** A thing: all its fields, and what is most like it. */
export function Item({ id }) {
  const [item, show] = useState(null);
  const [near, tell] = useState(null);
  const [error, fail] = useState(null);
  useEffect(() => {
    show(null);
    tell(null);
    fail(null);
    ask(`v1/items/${encodeURIComponent(id)}`).then((found) => show(found.item), fail);
    similar("v1/similar", { ids: [id], k: 12, explain: true, ...(one("stage") && { stage: one("stage") }) }).then(tell, fail);
  }, [id, one("stage")]);
  const neighbours = useRef(null);
  useEffect(() => {
    if (one("face") === "neighbours") neighbours.current?.scrollIntoView();
  }, [item === null, near === null]);
  if (error) return html`<main><${Trouble} error=${error} /></main>`;
  if (!item) return html`<main><${Loading} /></main>`;
  return html`<main class="item">
    <h1 dir="auto">${id}</h1>
    <p class="actions"><button onClick=${() => add(id)}>+ next</button></p>
    <${Fields} item=${item} />
    <h2 ref=${neighbours}>Neighbours</h2>
    ${near ? html`<${Near} hits=${near.hits[0]} />` : html`<${Loading} />`}
  </main>`;
}

/** Every field, also those without a value. */
export const Fields = ({ item }) => html`<dl class="fields">
  ${Object.entries(item).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd dir="auto">${plain(value)}</dd></div>`)}
</dl>`;

const plain = (value) => (value === null || value === "" ? "–" : Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value));

const Near = ({ hits }) => (hits.length ? html`<div class="hits">${hits.map((hit) => html`<${Card} key=${hit.id} hit=${hit} best=${hits[0].score} />`)}</div>` : html`<${Empty}>Nothing is like it.</${Empty}>`);

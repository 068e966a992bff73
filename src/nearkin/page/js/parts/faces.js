// The faces of a thing.
import { ask, latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { itemPath } from "../place.js";
import { info } from "../shop.js";
import { Card } from "./card.js";
import { Empty, Loading, Trouble } from "./states.js";

const similar = latest();

/** What an address answers, and how it is shown. */
function Asked({ path, children: shown }) {
  const [told, show] = useState(null);
  const [error, fail] = useState(null);
  useEffect(() => void ask(path).then(show, fail), [path]);
  return error ? html`<${Trouble} error=${error} />` : told ? shown(told) : html`<${Loading} />`;
}

const path = (verb, id, stage, version) => `v1/${verb}?id=${encodeURIComponent(id)}${stage ? `&stage=${encodeURIComponent(stage)}` : ""}${version ? `&version=${version}` : ""}`;
const Link = ({ thing }) => html`<a href=${itemPath(thing.id)} dir="auto">${thing.title || thing.id}</a>`;

/** What is most like it, as a list and, where the map was drawn, on a small piece of it. */
export function Neighbours({ id, stage, version }) {
  const [near, tell] = useState(null);
  const [error, fail] = useState(null);
  useEffect(() => void similar("v1/similar", { ids: [id], k: 12, explain: true, ...(stage && { stage }), ...(version && { version }) }).then(tell, fail), [id, stage, version]);
  if (error) return html`<${Trouble} error=${error} />`;
  if (!near) return html`<${Loading} />`;
  const hits = near.hits[0];
  if (!hits.length) return html`<${Empty}>Nothing is like it.</${Empty}>`;
  return html`${info.value?.drawn && html`<${Asked} path=${path("around", id, stage, version)}>${(told) => html`<${Around} told=${told} />`}</${Asked}>`}
    <div class="hits">${hits.map((hit) => html`<${Card} key=${hit.id} hit=${hit} best=${hits[0].score} />`)}</div>`;
}

/** The thing as a ring, its neighbours as dots that lead to them, and faint what else is there. */
const Around = ({ told }) => html`<figure>
  <div class="around" role="group" aria-label="where it stands among its neighbours">
    <svg viewBox="0 0 1000 1000" aria-hidden="true">
      ${told.others.map(([x, y], at) => html`<circle key=${at} cx=${x} cy=${y} r="6" />`)}
      <circle class="own" cx=${told.at[0]} cy=${told.at[1]} r="22" />
    </svg>
    ${told.near.map((thing) => html`<a key=${thing.id} class="near" href=${itemPath(thing.id)} title=${thing.title || thing.id} aria-label=${thing.title || thing.id} style=${{ left: `${thing.at[0] / 10}%`, top: `${thing.at[1] / 10}%` }}></a>`)}
  </div>
  <figcaption><small>The ring is this thing, dots are its neighbours, and ${told.all.toLocaleString()} other things stand here. <a href=${`map?sel=${encodeURIComponent(told.id)}`}>The whole map</a></small></figcaption>
</figure>`;

/** The symbols that name it, and who shares them. */
export const Code = ({ id, version }) => html`<${Asked} path=${path("code", id, "", version)}>${(told) => html`
  <p class="told">${told.source}: each symbol narrows down what those before it left.</p>
  <ol class="code">${told.levels.map((level, at) => html`<li key=${at}><b>${level.symbol}</b> <small>of ${level.of}; ${at ? `these ${at + 1}` : "this one"} shared by ${level.others.toLocaleString()}</small></li>`)}</ol>
  <${Sharing} title=${told.siblings.shared ? `Same first ${told.siblings.shared}` : "No thing has the same first symbol"} told=${told.siblings} />
  <${Sharing} title=${`Any ${told.near.shared} of ${told.levels.length} the same`} told=${told.near} />`}</${Asked}>`;

const Sharing = ({ title, told }) => html`<section aria-label=${title}><h3>${title}: ${told.total.toLocaleString()}</h3>
  <ul>${told.things.map((thing) => html`<li key=${thing.id}><${Link} thing=${thing} /></li>`)}</ul>
  ${told.total > told.things.length && html`<p>and ${(told.total - told.things.length).toLocaleString()} more</p>`}
</section>`;

/** The queries that return it, with its rank. */
export const FoundBy = ({ id, stage, version }) => html`<${Asked} path=${path("found-by", id, stage, version)}>${(told) => html`
  <p class="told">${told.source === "judged" ? `Of the ${told.tried.toLocaleString()} queries judged last, these return it among their first hundred.` : told.source === "seen" ? `No judged query returns it. Of the ${told.tried.toLocaleString()} queries asked last, these return it among their first hundred.` : `No judged query returns it, so the titles of its neighbours were asked as queries: ${told.queries.length} of ${told.tried} return it.`}</p>
  ${!told.queries.length && html`<${Empty}>None of them returns it.</${Empty}>`}
  ${told.queries.length > 0 && html`<div class="wide"><table>
    <thead><tr><th scope="col">rank</th><th scope="col">query</th><th scope="col">judged</th></tr></thead>
    <tbody>${told.queries.map(({ query, rank, grade }) => html`<tr key=${query}><td>${rank}</td><td><a dir="auto" href=${`./?q=${encodeURIComponent(query)}`}>${query}</a></td><td>${grade ?? "–"}</td></tr>`)}</tbody>
  </table></div>`}`}</${Asked}>`;

import { latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { change, itemPath, one } from "../place.js";
import { stages } from "../shop.js";

const ask = latest();

/** One query answered by two stages, with what moved. */
export function Compare() {
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  const q = one("q"), a = one("a", stages.value[0] ?? ""), b = one("b", "all");
  useEffect(() => {
    fail(null);
    if (!q || !a) return show(null);
    ask("v1/compare", { query: q, a, b, k: 10 }).then(show, fail);
  }, [q, a, b]);
  return html`<main class="compare">
    <h1 class="unseen">Compare two stages</h1>
    <form role="search" onSubmit=${(event) => event.preventDefault()}>
      <input id="box" type="search" aria-label="search" value=${q} onInput=${(event) => change({ q: event.target.value }, true)} />
      <${Choice} name="a" value=${a} /> <${Choice} name="b" value=${b} />
    </form>
    ${error ? html`<${Trouble} error=${error} />` : answer ? html`<${Sides} answer=${answer} />` : q ? html`<${Loading} />` : html`<${Empty}>Type a query to see it answered twice.</${Empty}>`}
  </main>`;
}

const Choice = ({ name, value }) => html`<select aria-label=${`stage ${name}`} value=${value} onChange=${(event) => change({ [name]: event.target.value })}>
  ${stages.value.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
</select>`;

const Sides = ({ answer }) => html`<p class="told" aria-live="polite">
    in both ${answer.overlap}${answer.rank_correlation == null ? "" : `; rank correlation ${answer.rank_correlation.toFixed(2)}`}; version ${answer.version}
  </p>
  <div class="sides"><${Side} side=${answer.a} other="b" /><${Side} side=${answer.b} other="a" /></div>`;

const Side = ({ side, other }) => html`<section aria-label=${side.stage}>
  <h2>${side.stage}</h2>
  <ol>
    ${side.hits.map((hit) => html`<li key=${hit.id} class=${hit.rank_in_other == null ? "lost" : ""}><a href=${itemPath(hit.id)} dir="auto">${hit.title || hit.id}</a> <small>${moved(hit, other)}</small></li>`)}
  </ol>
</section>`;

function moved(hit, other) {
  if (hit.rank_in_other == null) return `not in ${other}`;
  const by = hit.rank_in_other - hit.rank;
  return by === 0 ? "" : by > 0 ? `+${by}` : `−${-by}`;
}

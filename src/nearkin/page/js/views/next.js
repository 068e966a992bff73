import { latest } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Card } from "../parts/card.js";
import { History, held } from "../parts/history.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { change, one } from "../place.js";
import { info } from "../shop.js";

const ask = latest();
const VARIETY = { 0: "as they come", 0.3: "a little", 0.6: "much", 0.9: "very much" };

/** What comes next after a history, and how the list moved when the history changed. */
export function Next() {
  const ids = held();
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  const before = useRef(new Map());
  const where = one("where"), diversity = Number(one("diversity", "0")), version = Number(one("v"));
  useEffect(() => {
    fail(null);
    if (!ids.length || !info.value?.recommend) return show(null);
    ask("v1/recommend", { after: ids, k: 20, explain: true, ...(where && { where }), ...(diversity && { diversity }), ...(version && { version }) }).then((found) => {
      before.current = new Map((answer?.hits[0] ?? []).map((hit) => [hit.id, hit.rank]));
      show(found);
    }, fail);
  }, [ids.join("\n"), where, diversity, version, info.value]);
  const hits = answer?.hits[0] ?? [];
  return html`<main class="next">
    <h1>Next</h1>
    <${History} />
    ${ids.length > 0 && html`<p><label>how unlike each other <select value=${String(diversity)} onChange=${(event) => change({ diversity: event.target.value === "0" ? null : event.target.value })}>
      ${Object.entries(VARIETY).map(([value, name]) => html`<option key=${value} value=${value}>${name}</option>`)}
    </select></label> <a class="button" href=${`compare?${ids.map((id) => `after=${encodeURIComponent(id)}`).join("&")}`}>compare stages</a></p>`}
    ${info.value && !info.value.recommend && html`<${Empty}>This collection has no links to learn from. Add them with: nearkin build PLACE ITEMS --links FILE</${Empty}>`}
    ${info.value?.recommend && !ids.length && html`<${Empty}>Put things into the history with “+ next” on any card.</${Empty}>`}
    ${error ? html`<${Trouble} error=${error} />` : answer ? html`<div class="hits">${hits.map((hit) => html`<${Card} key=${hit.id} hit=${hit} best=${hits[0].score} sign=${html`<${Moved} hit=${hit} before=${before.current} />`} />`)}</div>` : ids.length && info.value?.recommend ? html`<${Loading} />` : ""}
  </main>`;
}

function Moved({ hit, before }) {
  if (!before.size) return null;
  const was = before.get(hit.id);
  if (was === undefined) return html`<small class="moved">new</small>`;
  return was === hit.rank ? null : html`<small class="moved">${was > hit.rank ? "up" : "down"} ${Math.abs(was - hit.rank)}</small>`;
}

import { latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Card } from "../parts/card.js";
import { Cut, SHARE, reach } from "../parts/cut.js";
import { Facets } from "../parts/facets.js";
import { Said, recall } from "../parts/judging.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { all, change, here, one } from "../place.js";
import { facetFields, info, isList, stages } from "../shop.js";
import { both, has } from "../where.js";

const PAGE = 10;
const ask = latest();

/** What is asked, from the address. */
export function request() {
  const chosen = facetFields.value.flatMap((field) => all(`f.${field}`).map((value) => has(field, value, isList(field))));
  const body = { queries: [one("q")], k: PAGE, offset: Number(one("offset", "0")), facets: facetFields.value, explain: true, highlight: true };
  const where = both(one("where"), ...chosen);
  if (where) body.where = where;
  if (one("stage")) body.stage = one("stage");
  if (Number(one("cut"))) body.min_relevance = Number(one("cut"));
  else if (info.value?.calibrated) body.cut = SHARE;
  if (one("v")) body.version = Number(one("v"));
  return body;
}

export function Search() {
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  const [text, type] = useState(one("q"));
  const { query } = here.value;
  useEffect(() => type(one("q")), [one("q")]);
  const run = () => {
    if (!one("q") || !info.value) return show(null);
    ask("v1/search", request()).then((found) => {
      fail(null);
      show(found);
    }, fail);
  };
  useEffect(run, [JSON.stringify(query), info.value]);
  useEffect(() => {
    const timer = setTimeout(() => recall(one("q")).catch(() => {}), 400); // once it is typed
    return () => clearTimeout(timer);
  }, [one("q")]);
  const typed = (event) => {
    type(event.target.value);
    change({ q: event.target.value, offset: null }, true);
  };
  return html`<main class="search">
    <h1 class="unseen">Search</h1>
    <form role="search" onSubmit=${(event) => (event.preventDefault(), change({ q: text, offset: null }))}>
      <input id="box" type="search" aria-label="search" placeholder="what are you looking for?" value=${text} onInput=${typed} autofocus />
      <${StageChoice} />
    </form>
    <p class="told" aria-live="polite">${told(answer, error)}</p>
    <${Said} />
    ${error ? html`<${Trouble} error=${error} again=${run} />` : answer ? html`<${Answer} answer=${answer} />` : one("q") ? html`<${Loading} />` : html`<${Welcome} />`}
  </main>`;
}

export const StageChoice = ({ name = "stage" }) => html`<select aria-label="stage" value=${one(name, "all")} onChange=${(event) => change({ [name]: event.target.value === "all" ? null : event.target.value })}>
  ${stages.value.map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
</select>`;

function told(answer, error) {
  if (error || !answer) return "";
  const { filter, relevant, exact } = answer.total;
  const above = answer.cuts?.[0] ? `${answer.cuts[0].rank.toLocaleString()} above the cut` : `${exact ? "" : "more than "}${relevant.toLocaleString()} found`;
  return `${filter.toLocaleString()} fit the filter; ${above}; ${answer.took_ms.toFixed(0)} ms; version ${answer.version}`;
}

function Answer({ answer }) {
  const hits = answer.hits[0];
  const offset = Number(one("offset", "0"));
  const best = hits[0]?.score ?? 0;
  const shown = reach(answer, offset);
  return html`<div class="columns">
    <${Facets} facets=${answer.facets} />
    <section class="hits" aria-label="hits">
      <h2 class="unseen">Hits</h2>
      ${answer.warnings.map((warning) => html`<p class="warning" key=${warning}>${warning}</p>`)}
      ${!hits.length && html`<${Empty}>Nothing was found. Take a filter away, or try other words.</${Empty}>`}
      ${hits.slice(0, shown.until).map((hit) => html`<${Card} key=${hit.id} hit=${hit} best=${best} />`)}
      ${shown.line && html`<${Cut} cut=${answer.cuts[0]} hidden=${!shown.all} />`}
      ${shown.all && hits.slice(shown.until).map((hit) => html`<${Card} key=${hit.id} hit=${hit} best=${best} />`)}
      <nav class="pages" aria-label="pages">
        ${offset > 0 && html`<button onClick=${() => change({ offset: offset > PAGE ? offset - PAGE : null })}>back</button>`}
        ${answer.next && (shown.all || !shown.line) && html`<button onClick=${() => change({ offset: offset + PAGE })}>more</button>`}
      </nav>
    </section>
  </div>`;
}

const Welcome = () => html`<${Empty}>
  ${info.value ? (info.value.things ? `${info.value.things.toLocaleString()} things. Type to search them.` : "The collection is empty. Add things with: nearkin add PLACE FILE") : ""}
</${Empty}>`;

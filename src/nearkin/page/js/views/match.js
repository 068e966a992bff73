import { ask, headers, latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { matchOf, Pair } from "../match/pair.js";
import { percent } from "../match/steps.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { change, here, one, written } from "../place.js";

const PAGE = 20, THRESHOLD = 0.9;
const BANDS = ["sure", "maybe", "no"];
const pairs = latest();

/** The pairs of a match, by bands; or one of them. */
export function Match() {
  const pair = here.value.path.split("/")[1];
  const threshold = Number(one("threshold", String(THRESHOLD)));
  return html`<main class="match">
    <h1 class="unseen">Match</h1>
    ${pair ? html`<${Pair} pair=${Number(pair)} match=${matchOf()} threshold=${threshold} />` : html`<${Pairs} threshold=${threshold} />`}
  </main>`;
}

/** What is asked, from the address. */
export function request(threshold) {
  const page = Number(one("page", "1"));
  return `v1/matches/${matchOf()}?band=${one("band", "maybe")}&threshold=${threshold}&offset=${(page - 1) * PAGE}&k=${PAGE}`;
}

function Pairs({ threshold }) {
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  const path = request(threshold);
  const load = () => pairs(path).then((found) => (fail(null), show(found)), fail);
  useEffect(() => void load(), [path]);
  if (error) return error.status === 404 ? html`<${None} />` : html`<${Trouble} error=${error} again=${load} />`;
  if (!answer) return html`<${Loading} />`;
  return html`<${About} answer=${answer} />
    <${Bands} answer=${answer} />
    <${Threshold} value=${threshold} />
    ${!answer.pairs.length && html`<${Empty}>No pair is in this band${answer.gone ? "; pairs of which a thing was removed are not shown" : ""}.</${Empty}>`}
    <ol class="pairs" start=${answer.offset + 1}>${answer.pairs.map((each) => html`<${One} key=${each.pair} pair=${each} />`)}</ol>
    <${Pages} answer=${answer} />`;
}

/** What the match was made of, and how far to trust it. */
function About({ answer: { match, judged, gone, version } }) {
  const found = match.expected === null ? "how many have a partner cannot be told" : `about ${Math.round(match.expected).toLocaleString()} seem to have a partner`;
  const count = judged.same + judged.different + judged.unsure;
  return html`<p class="told" aria-live="polite">
      ${match.name ? html`<bdi>${match.name}</bdi> with this collection` : "this collection with itself"}: ${match.rows.toLocaleString()} rows, ${found}; version ${match.version}${version > match.version ? `, newest is ${version}` : ""}${gone ? `; ${gone.toLocaleString()} pairs are gone with their things` : ""}
    </p>
    ${match.warnings.map((warning) => html`<p class="warning" key=${warning}>${warning}</p>`)}
    ${count > 0 && html`<p class="told judged">judged: ${judged.same} same, ${judged.different} different, ${judged.unsure} unsure${judged.foretold_same === null ? "" : `; the chances foretold ${judged.foretold_same.toFixed(1)} same of ${judged.same + judged.different}`}. <button onClick=${() => save(`v1/matches/${match.id}/judgements`, `judgements-${match.id}.ndjson`)}>save them</button></p>`}
    <${Others} id=${match.id} />`;
}

/** Fetch a file with the key that the page has, and hand it to the browser to be saved. */
async function save(path, name) {
  const answer = await fetch(new URL(path, document.baseURI), { headers: headers("application/x-ndjson") });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(await answer.blob());
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The other matches that were kept. */
function Others({ id }) {
  const [all, show] = useState([]);
  useEffect(() => void ask("v1/matches").then((found) => show(found.matches), () => {}), [id]);
  if (all.length < 2) return null;
  return html`<label class="others">match <select value=${id} onChange=${(event) => change({ id: event.target.value, band: null, page: null })}>
    ${all.map((each) => html`<option key=${each.id} value=${each.id}>${each.name ?? "with itself"}, ${new Date(1000 * each.made).toLocaleString()}</option>`)}
  </select></label>`;
}

const Bands = ({ answer }) => html`<nav class="bands" aria-label="bands">
  ${BANDS.map((band) => html`<a key=${band} class="button" aria-current=${band === answer.band ? "true" : undefined} href=${withBand(band)}>${band} <b>${answer.bands[band].toLocaleString()}</b></a>`)}
</nav>`;

function withBand(band) {
  const { page: _, ...query } = here.value.query;
  return written({ path: "match", query: { ...query, band: band === "maybe" ? [] : [band] } });
}

/** How sure a decision must be that no person looks at. */
function Threshold({ value }) {
  const set = (event) => change({ threshold: Number(event.target.value) === THRESHOLD ? null : event.target.value, page: null }, true);
  return html`<label class="threshold">decide alone from a chance of
    <input type="range" min="0.5" max="0.99" step="0.01" value=${value} onInput=${set} /> <output>${Math.round(100 * value)} %</output></label>`;
}

const One = ({ pair }) => html`<li class="card" data-pair=${pair.pair} tabindex="-1">
  <h3><a href=${written({ path: `match/${pair.pair}`, query: here.value.query })}><bdi>${cut(pair.left_title || pair.left)}</bdi> <span aria-hidden="true">↔</span><span class="unseen"> and </span> <bdi>${cut(pair.right_title || pair.right)}</bdi></a>
    <small class="chance">${percent(pair.chance)}</small>${pair.verdict && html`<small class="tag">${pair.verdict}</small>`}</h3>
  <p class="text"><bdi>${pair.left}</bdi>, <bdi>${pair.right}</bdi></p>
</li>`;

const cut = (text) => (Array.from(text).length > 120 ? `${Array.from(text).slice(0, 119).join("")}…` : text);

function Pages({ answer }) {
  const page = Number(one("page", "1"));
  return html`<nav class="pages" aria-label="pages">
    ${page > 1 && html`<button onClick=${() => change({ page: page > 2 ? page - 1 : null })}>back</button>`}
    ${answer.offset + answer.pairs.length < answer.total && html`<button onClick=${() => change({ page: page + 1 })}>more</button>`}
  </nav>`;
}

/** Nothing was matched yet: how to. */
const None = () => html`<${Empty}>No match was made yet. Find things that stand here twice with <code>nearkin match PLACE --keep</code>, or the things that
    the rows of a file are with <code>nearkin match FILE PLACE --keep</code>; over HTTP, start a job of the kind <code>match</code>.</${Empty}>`;

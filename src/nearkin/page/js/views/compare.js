import { latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Grade, Grades, Said, gradeOf, recall } from "../parts/judging.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { all, change, itemPath, one } from "../place.js";
import { stages } from "../shop.js";

const ask = latest();
const SHOWN = 10;

/** What is asked, from the address: a text, a thing to be like, or a history. */
export function request() {
  const after = history();
  const question = after.length ? { after } : { query: one("q") || (one("id") && { id: one("id") }) };
  const [first, second] = after.length ? ["all", "recommend"] : [stages.value[0] ?? "", "all"];
  const body = { ...question, a: one("a", first), b: one("b", second), k: Number(one("k", String(SHOWN))) };
  if (one("where")) body.where = one("where");
  if (one("v")) body.version = Number(one("v"));
  return body;
}

const history = () => (one("q") || one("id") ? [] : all("after"));

/** One query answered by two stages, with what moved; hits are judged where they stand. */
export function Compare() {
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  const body = request(), q = one("q");
  useEffect(() => {
    fail(null);
    if (!(body.query || body.after) || !body.a) return show(null);
    ask("v1/compare", body).then(show, fail);
  }, [JSON.stringify(body)]);
  useEffect(() => {
    const timer = setTimeout(() => recall(q).catch(() => {}), 200); // not with every key that is typed
    return () => clearTimeout(timer);
  }, [q]);
  return html`<main class="compare">
    <h1 class="unseen">Compare two stages</h1>
    <form role="search" onSubmit=${(event) => event.preventDefault()}>
      <input id="box" type="search" aria-label="search" value=${q} onInput=${(event) => change({ q: event.target.value, id: null, after: null, ...(body.after && { a: null, b: null }) }, true)} />
      <${Choice} name="a" value=${body.a} more=${!!body.after} /> <${Choice} name="b" value=${body.b} more=${!!body.after} />
    </form>
    ${one("id") && !q ? html`<p class="told">what is like <a href=${itemPath(one("id"))}>${one("id")}</a></p>` : ""}
    ${body.after ? html`<p class="told">after ${body.after.map((id, at) => html`${at ? ", " : ""}<a key=${at} href=${itemPath(id)}>${id}</a>`)}: a search shows what is like the last of them, recommend what comes next</p>` : ""}
    ${error ? html`<${Trouble} error=${error} />` : answer ? html`<${Sides} answer=${answer} judging=${!!q} />` : body.query || body.after ? html`<${Loading} />` : html`<${Empty}>Type a query to see it answered twice.</${Empty}>`}
  </main>`;
}

const Choice = ({ name, value, more }) => html`<select aria-label=${`stage ${name}`} value=${value} onChange=${(event) => change({ [name]: event.target.value })}>
  ${[...stages.value, ...(more ? ["recommend"] : [])].map((each) => html`<option key=${each} value=${each}>${each}</option>`)}
</select>`;

function Sides({ answer, judging }) {
  const ids = [...new Set([...answer.a.hits, ...answer.b.hits].map((hit) => hit.id))];
  const known = ids.filter((id) => gradeOf(id) !== null).length;
  const { overlap, rank_correlation: alike } = answer;
  return html`<p class="told" aria-live="polite">
      overlap@${one("k", String(SHOWN))} ${overlap}, rank correlation ${alike == null ? "–" : alike.toFixed(2)}${judging ? `; judged ${known} of ${ids.length}` : ""}; version ${answer.version}
    </p>
    ${judging && html`<p class="told"><kbd>J</kbd> <kbd>K</kbd> move, <kbd>0</kbd> to <kbd>3</kbd> judge (${"0 does not fit, 3 could not fit better"}), <kbd>U</kbd> takes it back</p><${Said} />`}
    <div class="sides"><${Side} side=${answer.a} gone="lost" judging=${judging} /><${Side} side=${answer.b} gone="new" judging=${judging} /></div>`;
}

const Side = ({ side, gone, judging }) => html`<section aria-label=${side.stage}>
  <h2>${side.stage}</h2>
  ${!side.hits.length && html`<${Empty}>Nothing was found.</${Empty}>`}
  <ol>
    ${side.hits.map(
      (hit) => html`<li key=${hit.id} class=${`hit ${hit.rank_in_other == null ? gone : ""}`} data-id=${hit.id} tabindex="-1">
        <a href=${itemPath(hit.id)} dir="auto">${hit.title || hit.id}</a> <${Moved} hit=${hit} gone=${gone} />
        ${judging && html` <${Grade} item=${hit.id} /> <${Grades} item=${hit.id} title=${hit.title || hit.id} />`}
      </li>`,
    )}
  </ol>
</section>`;

/** How much higher a hit stands here than on the other side. */
function Moved({ hit, gone }) {
  if (hit.rank_in_other == null) return html`<small class="moved">${gone}</small>`;
  const by = hit.rank_in_other - hit.rank;
  return by === 0 ? null : html`<small class="moved" title=${`rank ${hit.rank_in_other} on the other side`}>${by > 0 ? `+${by}` : `−${-by}`}</small>`;
}

import { latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Curve } from "../parts/curve.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { change, one } from "../place.js";

const ask = latest();
const LISTED = 20;

/** Figures with their intervals, what they cost in time, and for a cell that is clicked the queries behind it. */
export function Report({ id }) {
  const [told, show] = useState(null);
  const [error, fail] = useState(null);
  const pair = ["metric", "slice", "a", "b"].filter((name) => one(name)).map((name) => `${name}=${encodeURIComponent(one(name))}`);
  const path = `v1/reports/${encodeURIComponent(id)}${pair.length ? `?${pair.join("&")}` : ""}`;
  useEffect(() => void ask(path).then((found) => (fail(null), show(found)), fail), [path]);
  if (error) return html`<main class="eval"><h1>Evaluation</h1><${Trouble} error=${error} /></main>`;
  if (!told) return html`<main class="eval"><h1>Evaluation</h1><${Loading} /></main>`;
  return html`<main class="eval">
    <h1>Evaluation</h1>
    <p><a href="eval">all reports</a> · ${new Date(1000 * told.made).toLocaleString()} · version ${told.version} · ${told.queries.toLocaleString()} queries, ${told.judgements.toLocaleString()} judgements ${told.source === "sent" ? "that were sent" : "kept here"}</p>
    ${told.slices.length > 0 && html`<p>queries <select aria-label="kind of queries" value=${one("slice")} onChange=${(event) => change({ slice: event.target.value })}>
      <option value="">all (${told.queries})</option>${told.slices.map((each) => html`<option key=${each.name} value=${each.name}>${each.name} (${each.queries})</option>`)}
    </select></p>`}
    <${Figures} told=${{ ...told, ...told.slices.find((each) => each.name === one("slice")) }} />
    <p class="told">A figure, its 95 % interval when the queries are drawn again, and below, what the queries say of each pair (p after Holm, alike from 0.05 on).</p>
    ${told.against && html`<${WonAndLost} told=${told} />`}
    <${Times} points=${told.curve} />
  </main>`;
}

function Figures({ told }) {
  const of = (metric, system) => told.figures.find((each) => each.metric === metric && each.system === system);
  return html`<div class="wide"><table>
    <caption class="unseen">metric by stage</caption>
    <thead><tr><th scope="col">metric</th>${told.systems.map((system) => html`<th scope="col" key=${system}>${system}</th>`)}<th scope="col">verdict</th></tr></thead>
    <tbody>${told.metrics.map((metric) => {
      const best = Math.max(...told.systems.map((system) => of(metric, system).mean));
      return html`<tr key=${metric}><th scope="row">${metric}</th>
        ${told.systems.map((system) => html`<${Cell} key=${system} figure=${of(metric, system)} best=${best} systems=${told.systems} />`)}
        <td>${told.verdicts.filter((each) => each.metric === metric).map((each) => html`<${Verdict} key=${each.system + each.rival} of=${each} />`)}</td></tr>`;
    })}</tbody>
  </table></div>`;
}

/** A figure; clicking it asks which queries its stage wins and loses against another. */
function Cell({ figure, best, systems }) {
  const { metric, system, mean, low, high } = figure;
  const chosen = one("metric") === metric && one("a") === system;
  const rival = systems.includes(one("b")) && one("b") !== system ? one("b") : systems.find((each) => each !== system);
  const text = html`<span class=${mean === best ? "best" : ""}>${mean.toFixed(3)}</span>`;
  return html`<td>${rival ? html`<button aria-pressed=${chosen} title="queries won and lost" onClick=${() => change({ metric, a: system, b: rival })}>${text}</button>` : text}
    <small> [${low.toFixed(3)}, ${high.toFixed(3)}]</small></td>`;
}

function Verdict({ of: { system, rival, difference, low, high, p_holm: p, better } }) {
  const says = better ? `${better} better than ${better === system ? rival : system}` : `${system} and ${rival} alike`;
  return html`<div class="pair">${says} <small>${signed(difference)} [${signed(low)}, ${signed(high)}], p ${p.toFixed(p < 0.01 ? 4 : 2)}</small></div>`;
}

const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(3)}`;

function WonAndLost({ told }) {
  const { metric, a, b, won, lost, equal } = told.against;
  return html`<section aria-label="queries won and lost">
    <h2>${metric}: ${a} against <select aria-label="against" value=${b} onChange=${(event) => change({ b: event.target.value })}>
      ${told.systems.filter((each) => each !== a).map((each) => html`<option key=${each}>${each}</option>`)}
    </select></h2>
    <p role="status">${won.length} won, ${lost.length} lost, ${equal} equal. A query opens both lists side by side.</p>
    <div class="won-lost"><${Queries} name="won" rows=${won} a=${a} b=${b} /><${Queries} name="lost" rows=${lost} a=${a} b=${b} /></div>
  </section>`;
}

function Queries({ name, rows, a, b }) {
  const [shown, more] = useState(LISTED);
  return html`<section aria-label=${name}><h3>${name}</h3>
    ${!rows.length && html`<${Empty}>None.</${Empty}>`}
    <ol>${rows.slice(0, shown).map((row) => html`<li key=${row.query_id}><a dir="auto" href=${`compare?q=${encodeURIComponent(row.query)}&a=${encodeURIComponent(a)}&b=${encodeURIComponent(b)}`}>${row.query}</a> <small>${row.a.toFixed(3)} against ${row.b.toFixed(3)}</small></li>`)}</ol>
    ${rows.length > shown && html`<button onClick=${() => more(shown + 5 * LISTED)}>more</button>`}
  </section>`;
}

/** How much is found for how much time, and the same as a table. */
function Times({ points }) {
  const lines = {};
  for (const { system, ms, recall } of points) (lines[system] ??= []).push([recall, ms]);
  return html`<section class="curves" aria-label="recall and time"><h2>Recall and time</h2>
    <p class="told">Each line is a stage asked for more and more hits, one query at a time, over ${points[0]?.queries ?? 0} queries.</p>
    <${Curve} lines=${lines} x="recall at the depth asked for" y="milliseconds a query, median" label="time against recall; the table below has the same figures" />
    <details><summary>The figures</summary><div class="wide"><table>
      <thead><tr><th scope="col">stage</th><th scope="col">hits asked for</th><th scope="col">recall</th><th scope="col">median ms</th><th scope="col">95 % within ms</th></tr></thead>
      <tbody>${points.map((each) => html`<tr key=${each.system + each.k}><th scope="row">${each.system}</th><td>${each.k}</td><td>${each.recall.toFixed(3)}</td><td>${each.ms.toFixed(2)}</td><td>${each.p95_ms.toFixed(2)}</td></tr>`)}</tbody>
    </table></div></details>
  </section>`;
}

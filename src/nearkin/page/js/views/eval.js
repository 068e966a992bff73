import { ask, latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { here } from "../place.js";
import { Report } from "./report.js";

const AGAIN_MS = 1000;
const reports = latest();
const RUNS = ["queued", "running"];

/** What was found so far, and a way to find out anew; below eval/, one report. */
export function Evaluation() {
  const id = here.value.path.slice("eval/".length);
  return id ? html`<${Report} key=${id} id=${decodeURIComponent(id)} />` : html`<${All} />`;
}

function All() {
  const [told, show] = useState(null);
  const [error, fail] = useState(null);
  const load = () => reports("v1/reports").then((found) => (fail(null), show(found)), fail);
  useEffect(() => void load(), []);
  useEffect(() => {
    if (!RUNS.includes(told?.job?.state)) return undefined;
    const timer = setTimeout(load, AGAIN_MS);
    return () => clearTimeout(timer);
  }, [told]);
  const start = () => ask("v1/jobs", { kind: "evaluate" }).then(load, fail);
  return html`<main class="eval">
    <h1>Evaluation</h1>
    ${error && html`<${Trouble} error=${error} again=${load} />`}
    ${!told && !error && html`<${Loading} />`}
    ${told && html`<${Judged} judged=${told.judged} running=${RUNS.includes(told.job?.state)} start=${start} /> ${told.job && html`<${Job} job=${told.job} />`} <${List} reports=${told.reports} />`}
  </main>`;
}

function Judged({ judged, running, start }) {
  if (!judged.fitting) {
    return html`<${Empty}>${judged.judgements ? "Nothing was judged to fit yet, so no figure can tell stages apart." : "Nothing was judged yet."}
      Open <a href="compare">two stages side by side</a>, walk through the hits with J and K, and press 0 (does not fit) to 3 (could not fit better).
      What you judge is kept, and what is measured here is measured on it.</${Empty}>`;
  }
  return html`<p>${judged.judgements.toLocaleString()} judgements of ${judged.queries.toLocaleString()} queries. <button onClick=${start} disabled=${running}>Evaluate on them</button></p>`;
}

/** An evaluation that waits, runs, or has failed. */
const Job = ({ job }) =>
  job.problem
    ? html`<div class="trouble" role="alert"><strong>The evaluation has failed</strong><p>${job.problem}</p></div>`
    : html`<p role="status">${job.state === "queued" ? "waits for other work to end" : job.says} ${job.eta_s != null ? html`<small>about ${Math.ceil(job.eta_s)} s left</small>` : ""}</p>
        <progress max=${job.total ?? 1} value=${job.done} aria-label="evaluation"></progress>`;

function List({ reports }) {
  if (!reports.length) return null;
  const first = reports[0].metrics[0];
  return html`<div class="wide"><table>
    <caption class="unseen">reports, newest first</caption>
    <thead><tr><th scope="col">report</th><th scope="col">version</th><th scope="col">queries</th><th scope="col">judgements</th><th scope="col">${first} by stage</th></tr></thead>
    <tbody>${reports.map((each) => html`<tr key=${each.id}>
      <th scope="row"><a href=${`eval/${each.id}`}>${new Date(1000 * each.made).toLocaleString()}</a></th>
      <td>${each.version}</td><td>${each.queries.toLocaleString()}</td><td>${each.judgements.toLocaleString()}${each.source === "sent" ? " (sent)" : ""}</td>
      <td>${each.figures.filter(({ metric }) => metric === each.metrics[0]).map(({ system, mean }) => `${system} ${mean.toFixed(3)}`).join(", ")}</td>
    </tr>`)}</tbody>
  </table></div>`;
}

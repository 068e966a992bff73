import { ask } from "../api.js";
import { follow, hasEnded } from "../follow.js";
import { html, useEffect, useState } from "../html.js";
import { Empty, Trouble } from "./states.js";

const KINDS = { compact: "fit anew and drop what was removed", layout: "draw the map", tune: "look for the best recommender" };

/** Long work: begin it, see how far it is, end it. */
export function Jobs({ jobs, ended }) {
  const [error, fail] = useState(null);
  const start = (kind) => ask("v1/jobs", { kind }).then(ended, fail);
  return html`<section aria-label="jobs"><h2>Jobs</h2>
    <p class="actions">${Object.entries(KINDS).map(([kind, does]) => html`<button key=${kind} onClick=${() => start(kind)} title=${does}>${kind}</button>`)}</p>
    ${error && html`<${Trouble} error=${error} />`}
    ${!jobs.length && html`<${Empty}>No job was begun yet.</${Empty}>`}
    ${jobs.map((job) => html`<${Job} key=${job.id} begun=${job} ended=${ended} />`)}
  </section>`;
}

/** One job, followed while it goes. */
function Job({ begun, ended }) {
  const [job, show] = useState(begun);
  const [error, fail] = useState(null);
  useEffect(() => {
    show(begun);
    if (hasEnded(begun)) return undefined;
    return follow(begun.id, (told) => {
      show(told);
      if (hasEnded(told)) ended();
    });
  }, [begun.id, begun.state]);
  const cancel = () => ask(`v1/jobs/${job.id}`, undefined, undefined, "DELETE").then(show, fail);
  return html`<article class="job">
    <h3>${job.kind} <small>${job.state}${job.eta_s != null ? `, about ${Math.ceil(job.eta_s)} s left` : ""}</small>
      ${!hasEnded(job) && html`<button onClick=${cancel}>cancel</button>`}</h3>
    ${job.total ? html`<progress max=${job.total} value=${job.done} aria-label=${`${job.kind}: ${job.done} of ${job.total}`}></progress>` : ""}
    ${job.problem && html`<p class="warning">${job.problem}</p>`}
    ${error && html`<${Trouble} error=${error} />`}
    ${job.log_tail.length > 0 && html`<details open=${!hasEnded(job)}><summary>log</summary><pre tabindex="0" role="region" aria-label="log">${job.log_tail.join("\n")}</pre></details>`}
  </article>`;
}

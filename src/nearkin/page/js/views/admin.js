import { ask } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Jobs } from "../parts/jobs.js";
import { Keys } from "../parts/keyring.js";
import { Loading, Trouble } from "../parts/states.js";

const SEEN_MS = 1500; // until what a job changed has reached every process of the service

/** What those who keep the collection look at: versions, jobs, keys. */
export function Admin() {
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  const load = () => ask("admin.json").then((told) => (fail(null), show(told)), fail);
  const ended = () => (load(), setTimeout(load, SEEN_MS));
  useEffect(() => void load(), []);
  if (error) return html`<main><${Trouble} error=${error} again=${load} /></main>`;
  if (!answer) return html`<main><${Loading} /></main>`;
  return html`<main class="admin">
    <h1>Admin</h1>
    <${Versions} told=${answer.versions} />
    ${answer.jobs ? html`<${Jobs} jobs=${answer.jobs} ended=${ended} />` : html`<p class="empty">Jobs and keys are for keys with the scope admin.</p>`}
    ${answer.keys && html`<${Keys} keys=${answer.keys} changed=${load} />`}
  </main>`;
}

const MB = 1024 * 1024;
const size = (bytes) => (bytes < MB ? `${Math.ceil(bytes / 1024).toLocaleString()} KB` : `${(bytes / MB).toFixed(1)} MB`);

function age(time) {
  const seconds = Math.max(0, Date.now() / 1000 - time);
  const [by, name] = seconds < 90 ? [1, "second"] : seconds < 5400 ? [60, "minute"] : seconds < 129600 ? [3600, "hour"] : [86400, "day"];
  return new Intl.RelativeTimeFormat("en").format(-Math.round(seconds / by), name);
}

function Versions({ told }) {
  const newest = told.versions[0];
  const facts = {
    newest: newest ? `${told.version}, written ${age(newest.time)}` : String(told.version),
    things: told.things.toLocaleString(),
    links: told.links.toLocaleString(),
    "on the disk": size(told.size_bytes),
    map: told.layout === null ? "never drawn" : `${told.layout.toLocaleString()} things`,
  };
  return html`<section aria-label="versions"><h2>Versions</h2>
    <dl class="fields">${Object.entries(facts).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
    <details><summary>${told.versions.length} versions can be asked</summary>
      <ol class="plain">${told.versions.map((each) => html`<li key=${each.version}>${each.version}, <time datetime=${new Date(each.time * 1000).toISOString()}>${age(each.time)}</time></li>`)}</ol>
    </details>
    <h3>Stages</h3>
    <div class="wide" role="region" aria-label="stages" tabindex="0"><table>
      <thead><tr>${["stage", "stamp", "made", "size"].map((head) => html`<th key=${head} scope="col">${head}</th>`)}</tr></thead>
      <tbody>${told.stages.map((stage) => html`<tr key=${stage.name}><td>${stage.name}</td><td><code>${stage.stamp}</code></td><td>${age(stage.made)}</td><td>${size(stage.size_bytes)}</td></tr>`)}</tbody>
    </table></div>
  </section>`;
}

import { ask, useKey } from "../api.js";
import { html, useState } from "../html.js";
import { Copied } from "./copied.js";
import { Empty, Trouble } from "./states.js";

const SCOPES = ["read", "write", "admin"];
const day = (time) => (time == null ? "–" : new Date(time * 1000).toISOString().slice(0, 10));

/** Who may ask: list, make, take back. The first key has every scope, so that this page can go on with it. */
export function Keys({ keys, changed }) {
  const [made, show] = useState(null);
  const [error, fail] = useState(null);
  const first = !keys.length;
  const make = (event) => {
    event.preventDefault();
    const given = new FormData(event.target);
    const body = { scopes: first ? SCOPES : given.getAll("scope"), name: given.get("name") };
    if (given.get("where")) body.where = given.get("where");
    if (given.get("days")) body.days = Number(given.get("days"));
    ask("v1/keys", body).then((told) => {
      if (first) useKey(told.key);
      fail(null);
      show(told);
      changed();
    }, fail);
  };
  const revoke = (id) => ask(`v1/keys/${id}`, undefined, undefined, "DELETE").then(changed, fail);
  return html`<section aria-label="keys"><h2>Keys</h2>
    ${first && html`<${Empty}>There is no key: this machine alone is answered, and may do everything. From the first key on, nobody is answered without one.</${Empty}>`}
    ${!first && html`<div class="wide" role="region" aria-label="all keys" tabindex="0"><table>
      <thead><tr>${["id", "name", "scopes", "filter", "made", "ends", "used", ""].map((head) => html`<th key=${head} scope="col">${head || html`<span class="unseen">take back</span>`}</th>`)}</tr></thead>
      <tbody>${keys.map((key) => html`<tr key=${key.id}>
        <td><code>${key.id}</code></td><td dir="auto">${key.name}</td><td>${key.scopes.join(", ")}</td><td>${key.filter ?? "–"}</td>
        <td>${day(key.made)}</td><td>${day(key.expires)}</td><td>${day(key.used)}</td>
        <td><button aria-label=${`revoke ${key.name || key.id}`} onClick=${() => revoke(key.id)}>revoke</button></td>
      </tr>`)}</tbody>
    </table></div>`}
    ${error && html`<${Trouble} error=${error} />`}
    ${made && html`<p class="warning">Keep this key now: it is not shown again.</p><${Copied} text=${made.key} label="the new key" />`}
    <form class="make" onSubmit=${make}>
      <label>name <input name="name" maxlength="200" /></label>
      ${first ? html`<small>scopes: ${SCOPES.join(", ")}</small>` : SCOPES.map((scope) => html`<label key=${scope}><input type="checkbox" name="scope" value=${scope} checked=${scope === "read"} /> ${scope}</label>`)}
      ${!first && html`<label>filter <input name="where" placeholder="price < 50" /></label>`}
      <label>days <input name="days" type="number" min="1" max="36500" /></label>
      <button>make a key</button>
    </form>
  </section>`;
}

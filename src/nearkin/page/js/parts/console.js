import { asked } from "../api.js";
import { html, useState } from "../html.js";
import { asCurl, asJson, asPython } from "../request.js";
import { Copied } from "./copied.js";
import { Dialog } from "./dialog.js";

const FORMS = { curl: asCurl, Python: asPython, JSON: asJson };

/** What this page asked the service last, as others would write it. */
export function Console({ close }) {
  const [form, use] = useState("curl");
  const [at, choose] = useState(0);
  const which = asked.value[Math.min(at, asked.value.length - 1)];
  return html`<${Dialog} title="Request" close=${close}>
    ${which
      ? html`<p class="actions">
            ${Object.keys(FORMS).map((name) => html`<button key=${name} aria-pressed=${form === name} onClick=${() => use(name)}>${name}</button>`)}
            <label>request <select value=${at} onChange=${(event) => choose(Number(event.target.value))}>
              ${asked.value.map((each, place) => html`<option key=${place} value=${place}>${each.method} ${each.path.slice(0, 60)}</option>`)}
            </select></label>
          </p>
          <${Copied} text=${FORMS[form](which, document.baseURI)} label=${`the request as ${form}`} />`
      : html`<p class="empty">Nothing was asked yet.</p>`}
  </${Dialog}>`;
}

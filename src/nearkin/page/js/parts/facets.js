import { html } from "../html.js";
import { all, change } from "../place.js";

/** Values of some fields with how many hits, and how many things at all, have them; clicking narrows. */
export function Facets({ facets }) {
  return html`<aside class="facets" aria-label="narrow down">
    ${Object.entries(facets).map(([field, values]) => html`<${Facet} key=${field} field=${field} values=${values} />`)}
  </aside>`;
}

function Facet({ field, values }) {
  const chosen = all(`f.${field}`);
  const turn = (value) => {
    const text = String(value);
    const rest = chosen.filter((each) => each !== text);
    change({ [`f.${field}`]: rest.length < chosen.length ? rest : [...chosen, text], offset: null });
  };
  const shown = values.filter(({ value, n }) => n > 0 || chosen.includes(String(value))).slice(0, 12);
  return html`<fieldset>
    <legend>${field}</legend>
    ${shown.map(
      ({ value, n, n_filter }) => html`<label key=${String(value)} title=${`${n_filter.toLocaleString()} things at all`}>
        <input type="checkbox" checked=${chosen.includes(String(value))} onChange=${() => turn(value)} />
        <span dir="auto">${String(value)}</span> <small>${n.toLocaleString()}</small>
      </label>`,
    )}
    ${!shown.length && html`<small>none among the hits</small>`}
  </fieldset>`;
}

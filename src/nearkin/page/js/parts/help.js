import { html } from "../html.js";
import { VIEWS } from "../keys.js";
import { letters, useLetters } from "../settings.js";
import { Dialog } from "./dialog.js";

const KEYS = {
  "/": "to the box", "J, K": "to the next hit, to the one before", Enter: "open the hit", S: "more like it", A: "add it to the history",
  W: "why it is there", "0, 1, 2, 3": "judge it: 0 does not fit, 3 could not fit better", U: "take that back", "S, D, space": "on a pair of a match: the same, different, not to be told", "?": "this list", Esc: "out of the box, out of a window",
};

/** What keys do, and a switch for those that are single letters. */
export const Help = ({ close }) => html`<${Dialog} title="Keys and settings" close=${close}>
  <dl class="fields keys">
    ${Object.entries(KEYS).map(([key, does]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${does}</dd></div>`)}
    ${Object.entries(VIEWS).map(([letter, path]) => html`<div key=${letter}><dt><kbd>G ${letter.toUpperCase()}</kbd></dt><dd>${path === "./" ? "search" : path}</dd></div>`)}
  </dl>
  <p><label><input type="checkbox" checked=${letters.value} onChange=${(event) => useLetters(event.target.checked)} /> single letters do something</label></p>
</${Dialog}>`;

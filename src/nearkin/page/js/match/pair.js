import { ask, latest } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Loading, Trouble } from "../parts/states.js";
import { go, here, itemPath, one, written } from "../place.js";
import { letters } from "../settings.js";
import { compared, rows, shortened } from "./differences.js";
import { percent, signed } from "./steps.js";
import { Waterfall } from "./waterfall.js";

const EXPLAINED = {
  "log-odds": "It starts at the score of a usual wrong candidate; each bar is what a field adds to the log-odds among all candidates. ",
  likeness: "Nothing could be learned from so few rows: the bars are plain likenesses. ",
};
const CHANCE = "The chance says how often the best partner of a row is right at such a score, judged by second choices, which are nearly always wrong.";
const VERDICTS = { s: "same", d: "different", " ": "unsure" };
const LONG = 400; // characters of a value that are shown at first
const NAMES = { same: "S", different: "D", unsure: "space" };
const shown = latest();
const said = []; // pairs judged on this visit, for undo

/** The address of a pair, or of the list, with what else is in the query. */
const to = (path) => written({ path, query: here.value.query });

/** One pair: both sides, what differs, what speaks for and against; judged by a key, and on to the next. */
export function Pair({ pair, match, threshold }) {
  const [told, show] = useState(null);
  const [error, fail] = useState(null);
  const path = `v1/matches/${match}/pairs/${pair}`;
  const load = () => shown(`${path}?threshold=${threshold}`).then((found) => (fail(null), show(found)), fail);
  useEffect(() => void (show(null), load()), [path, threshold]);
  const put = (place, verdict) => ask(`v1/matches/${match}/pairs/${place}`, { verdict }, undefined, "PUT");
  const judge = (verdict) => {
    if (!told?.may_judge) return;
    put(pair, verdict).then(() => {
      said.push({ pair, before: told.verdict });
      if (told.next === null) load();
      else go(to(`match/${told.next}`));
    }, fail);
  };
  const undo = () => {
    const last = said.pop();
    if (last) put(last.pair, last.before).then(() => (last.pair === pair ? load() : go(to(`match/${last.pair}`))), fail);
  };
  useKeys({ judge, undo, told });
  if (error) return html`<${Trouble} error=${error} again=${load} />`;
  if (!told) return html`<${Loading} />`;
  return html`<section class="pair" aria-label="one pair">
    <nav class="steps" aria-label="pairs">
      <a class="button" href=${to("match")}>all pairs</a>
      ${told.before !== null && html`<a class="button" rel="prev" href=${to(`match/${told.before}`)}>back</a>`}
      ${told.next !== null && html`<a class="button" rel="next" href=${to(`match/${told.next}`)}>on</a>`}
      <span class="told" aria-live="polite">pair ${told.place.toLocaleString()} of ${told.total.toLocaleString()} in “${told.band}”; ${percent(told.chance)}${told.verdict ? `; judged ${told.verdict}` : ""}</span>
    </nav>
    <${Judging} told=${told} judge=${judge} undo=${undo} />
    ${told.changed && html`<p class="warning">One of the two was written since this match was made, so the bars tell of an older state. Match again to bring them up to date.</p>`}
    <${Sides} pair=${told} />
    <h3>What speaks for and against</h3>
    <${Waterfall} why=${told.why} score=${told.score} chance=${told.chance} />
    <p class="told">${EXPLAINED[told.why.scale]}${told.chance === null ? "" : CHANCE}</p>
  </section>`;
}

function useKeys({ judge, undo, told }) {
  useEffect(() => {
    let after = "";
    const heard = (event) => {
      if (event.metaKey || event.ctrlKey || event.altKey || !letters.value || document.querySelector("dialog[open]")) return;
      if (event.target.closest?.("input, textarea, select") || (event.key === " " && event.target.closest?.("a, button"))) return;
      const was = after;
      after = event.key;
      if (was === "g") return; // the second letter of going to another view
      if (event.key in VERDICTS) (event.preventDefault(), judge(VERDICTS[event.key]));
      else if (event.key === "u") undo();
    };
    addEventListener("keydown", heard);
    return () => removeEventListener("keydown", heard);
  }, [told]);
}

const Judging = ({ told, judge, undo }) =>
  told.may_judge
    ? html`<p class="actions judging">
        ${Object.entries(NAMES).map(([verdict, key]) => html`<button key=${verdict} aria-pressed=${told.verdict === verdict} onClick=${() => judge(verdict)}>${verdict} <kbd>${key}</kbd></button>`)}
        <button onClick=${undo} disabled=${!said.length}>undo <kbd>U</kbd></button>
      </p>`
    : html`<p class="told">Read only: to judge pairs takes a key with the scope “write”.</p>`;

/** One side of a field, with what the other side lacks marked. */
const Marked = ({ parts }) => parts.map(([part, shared], place) => (shared ? part : html`<mark key=${place}>${part.trimEnd()}</mark>${part.slice(part.trimEnd().length)}`));

/** Both sides field by field, with what differs marked. */
function Sides({ pair }) {
  const [whole, show] = useState(false);
  const told = rows(pair);
  const long = told.some(({ left, right }) => left.length > LONG || right.length > LONG);
  return html`<table class="both">
  <thead><tr><th scope="col">field</th><th scope="col"><bdi>${pair.left}</bdi></th><th scope="col"><a href=${itemPath(pair.right)}><bdi>${pair.right}</bdi></a></th><th scope="col">adds</th></tr></thead>
  <tbody>${told.map((row) => html`<${Row} key=${row.name} row=${row} whole=${whole} />`)}</tbody>
</table>
${long && html`<button aria-pressed=${whole} onClick=${() => show(!whole)}>long texts whole</button>`}`;
}

function Row({ row, whole }) {
  const [left, right] = row.alone ? [[[row.left, true]], [[row.right, true]]] : compared(row.left, row.right);
  return html`<tr class=${row.alone ? "alone" : ""}>
    <th scope="row">${row.name}</th>
    <td dir="auto" data-side="left"><${Marked} parts=${whole ? left : shortened(left, LONG)} /></td>
    <td dir="auto" data-side="right"><${Marked} parts=${whole ? right : shortened(right, LONG)} /></td>
    <td class="adds">${row.weight == null ? "" : signed(row.weight)}</td>
  </tr>`;
}

export const matchOf = () => one("id", "newest");

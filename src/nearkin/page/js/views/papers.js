import { ask } from "../api.js";
import { html, useEffect, useState } from "../html.js";
import { Copied } from "../parts/copied.js";
import { Loading, Trouble } from "../parts/states.js";
import { change, here, one } from "../place.js";

const SAID = { holds: "held", "does not hold": "did not hold", undecided: "undecided", "not run": "not run" };
const told = (value, digits = 4) => (typeof value === "number" ? value.toFixed(digits) : value ?? "–");

/** What an address answers, once: [answer, error]. */
function useAnswer(path) {
  const [answer, show] = useState(null);
  const [error, fail] = useState(null);
  useEffect(() => {
    show(null);
    fail(null);
    ask(path).then(show, fail);
  }, [path]);
  return [answer, error];
}

export function Papers() {
  const name = here.value.path.split("/")[1];
  return name ? html`<${Paper} name=${decodeURIComponent(name)} />` : html`<${Table} />`;
}

/** All papers, and what came of their claims. */
function Table() {
  const [answer, error] = useAnswer("v1/papers");
  if (error) return html`<main><${Trouble} error=${error} /></main>`;
  if (!answer) return html`<main><${Loading} /></main>`;
  const only = one("verdict");
  const shown = answer.papers.filter((paper) => !only || paper.verdict === only);
  const count = (verdict) => answer.papers.filter((paper) => paper.verdict === verdict).length;
  return html`<main class="papers">
    <h1>Papers</h1>
    <p class="actions">
      <button aria-pressed=${!only} onClick=${() => change({ verdict: null })}>all ${answer.papers.length}</button>
      ${Object.keys(SAID).map((verdict) => html`<button key=${verdict} aria-pressed=${only === verdict} onClick=${() => change({ verdict })}>${SAID[verdict]} ${count(verdict)}</button>`)}
    </p>
    <div class="wide" role="region" aria-label="papers" tabindex="0"><table>
      <thead><tr>${["no.", "paper", "claim", "on our data", "data", "seeds"].map((head) => html`<th key=${head} scope="col">${head}</th>`)}</tr></thead>
      <tbody>${shown.map((paper) => html`<tr key=${paper.number}>
        <td>${paper.number}</td>
        <td><a href=${`papers/${encodeURIComponent(paper.name)}`}>${paper.name}</a><br /><small>${paper.title}</small></td>
        <td>${paper.claim ?? "–"}</td>
        <td><${Verdict} verdict=${paper.verdict} /></td>
        <td>${paper.data.join(", ") || "–"}</td>
        <td>${paper.seeds || "–"}</td>
      </tr>`)}</tbody>
    </table></div>
  </main>`;
}

const Verdict = ({ verdict }) => html`<span class="verdict" data-verdict=${verdict}>${SAID[verdict] ?? verdict}</span>`;

/** One paper: its claim, each comparison, its curve, how to repeat it. */
function Paper({ name }) {
  const [paper, error] = useAnswer(`v1/papers/${encodeURIComponent(name)}`);
  if (error) return html`<main><${Trouble} error=${error} /></main>`;
  if (!paper) return html`<main><${Loading} /></main>`;
  return html`<main class="papers">
    <p><a href="papers">all papers</a></p>
    <h1>${paper.title}</h1>
    <p>${paper.claim ?? "Not built yet."}</p>
    <p><${Verdict} verdict=${paper.verdict} />${paper.data.length ? ` on ${paper.data.join(", ")}` : ""}${paper.seeds ? `, ${paper.seeds} seeds` : ""}</p>
    ${paper.command && html`<h2>Repeat it</h2><${Copied} text=${paper.command} label="the command" />`}
    ${paper.proof && html`<${Proof} proof=${paper.proof} />`}
    ${paper.curve && html`<${Curve} name=${name} />`}
  </main>`;
}

const Proof = ({ proof }) => html`<h2>Comparisons</h2>
  <div class="wide" role="region" aria-label="comparisons" tabindex="0"><table>
    <thead><tr>${["data", "metric", "rival", "rival’s", "ours", "difference", "95 %", "verdict"].map((head) => html`<th key=${head} scope="col">${head}</th>`)}</tr></thead>
    <tbody>${proof.lines.map((line, at) => html`<tr key=${at}>
      <td>${line.data}</td><td>${line.metric}</td><td>${line.rival}</td>
      <td>${told(line.rival_value)}</td><td>${told(line.ours)}</td><td>${told(line.difference)}</td>
      <td>${told(line.low)} to ${told(line.high)}</td><td>${line.decides ? html`<${Verdict} verdict=${line.verdict} />` : ""}</td>
    </tr>`)}</tbody>
  </table></div>
  <details><summary>The proof as JSON</summary><${Copied} text=${JSON.stringify(proof, null, 1)} label="the proof" /></details>`;

/** The picture comes by a request that bears the key, so it is shown from its bytes. */
function Curve({ name }) {
  const [bytes, error] = useAnswer(`v1/papers/${encodeURIComponent(name)}/curve`);
  if (error) return html`<${Trouble} error=${error} />`;
  if (!bytes) return html`<${Loading} />`;
  const text = Array.from(new Uint8Array(bytes), (byte) => String.fromCharCode(byte)).join("");
  return html`<h2>Curve</h2><img class="curve" src=${`data:image/png;base64,${btoa(text)}`} alt=${`curves of ${name}`} />`;
}

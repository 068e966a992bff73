// What speaks for and against a pair, as bars one after another: from a usual wrong candidate to the pair's score.
import { html } from "../html.js";
import { percent, signed, steps } from "./steps.js";

const WIDTH = 640, ROW = 28, LABEL = 150, END = 64; // drawn as large as the letters around it where there is room

/** @param {{why: object, score: number, chance: number | null}} told */
export function Waterfall({ why, score, chance }) {
  const bars = steps(why);
  const ends = bars.flatMap(({ from, to }) => [from, to]);
  const low = Math.min(0, ...ends), high = Math.max(0, ...ends, low + 1e-9);
  const x = (value) => LABEL + ((value - low) / (high - low)) * (WIDTH - LABEL - END);
  const height = ROW * (bars.length + 1);
  const words = `${bars.map(({ name, weight }) => `${name} ${signed(weight)}`).join(", ")}; together ${signed(score)}, ${percent(chance)}`;
  return html`<svg class="waterfall" viewBox=${`0 0 ${WIDTH} ${height}`} role="img" aria-label=${words}>
    <line class="zero" x1=${x(0)} x2=${x(0)} y1="0" y2=${height - ROW} />
    ${bars.map((bar, place) => html`<${Bar} key=${place} bar=${bar} y=${place * ROW} x=${x} last=${place === bars.length - 1} />`)}
    <text x="0" y=${height - 9} class="sum">= ${percent(chance)}</text>
    <text x=${LABEL} y=${height - 9}>${why.scale === "log-odds" ? `score ${signed(score)}` : `likeness ${score.toFixed(2)}`}</text>
  </svg>`;
}

function Bar({ bar: { name, weight, from, to }, y, x, last }) {
  const left = Math.min(x(from), x(to)), wide = Math.max(Math.abs(x(to) - x(from)), 1);
  return html`<g class=${name === "start" ? "start" : weight < 0 ? "against" : "for"}>
    <text x="0" y=${y + 19}>${short(name)}</text>
    <rect x=${left} y=${y + 5} width=${wide} height=${ROW - 10} rx="2" />
    ${!last && html`<line x1=${x(to)} x2=${x(to)} y1=${y + ROW - 5} y2=${y + ROW + 5} />`}
    <text class="value" x=${left + wide + 5} y=${y + 19}>${signed(weight)}</text>
  </g>`;
}

const short = (name) => (Array.from(name).length > 15 ? `${Array.from(name).slice(0, 14).join("")}…` : name);

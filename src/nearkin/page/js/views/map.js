import { ask, latest } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { PALETTE } from "../map/nk-map.js";
import { decoded } from "../map/points.js";
import { Empty, Loading, Trouble } from "../parts/states.js";
import { change, go, itemPath, one } from "../place.js";

const LISTED = 50;
const drawing = latest();

/** The whole catalogue on a plane; what is caught with the lasso is listed. */
export function Map() {
  const [points, show] = useState(null);
  const [error, fail] = useState(null);
  const [caught, take] = useState([]);
  const [hovered, point] = useState(null);
  const map = useRef(null);
  const color = one("color");
  useEffect(() => {
    drawing(`v1/map${color ? `?color=${encodeURIComponent(color)}` : ""}`).then((bytes) => show(decoded(bytes)), fail);
  }, [color]);
  useEffect(() => {
    if (!points || !map.current) return;
    map.current.points = points;
    map.current.paintBy(0);
  }, [points]);
  useEffect(() => {
    const element = map.current;
    if (!element) return;
    const on = { caught: (event) => take(event.detail), hovered: (event) => named(points, event.detail).then(point, fail), picked: (event) => event.detail >= 0 && named(points, event.detail).then((thing) => go(itemPath(thing.id)), fail) };
    for (const [name, does] of Object.entries(on)) element.addEventListener(name, does);
    return () => Object.entries(on).forEach(([name, does]) => element.removeEventListener(name, does));
  }, [points]);
  if (error) return html`<main><${Trouble} error=${error} /></main>`;
  return html`<main class="map">
    <h1 class="unseen">Map</h1>
    <section class="canvas">
      <nk-map ref=${map}></nk-map>
      ${!points && html`<${Loading} />`}
      <p class="told" aria-live="polite">${hovered ? hovered.title || hovered.id : points ? `${points.header.count.toLocaleString()} things; shift and drag to catch some` : ""}</p>
    </section>
    <aside>
      ${points && html`<${Legend} points=${points} map=${map} /> <button onClick=${() => take(map.current.inView())}>list what is in view</button>`}
      <${Caught} points=${points} rows=${caught} />
    </aside>
  </main>`;
}

const held = new globalThis.Map();

/** The thing of a point: asked for once. */
async function named(points, row) {
  if (row < 0) return null;
  return (await things(points, [row]))[0];
}

async function things(points, rows) {
  const { version } = points.header;
  const missing = rows.filter((row) => !held.has(`${version} ${row}`));
  if (missing.length) {
    const found = await ask("v1/map:things", { rows: missing, version });
    found.things.forEach((thing, at) => held.set(`${version} ${missing[at]}`, thing));
  }
  return rows.map((row) => held.get(`${version} ${row}`));
}

function Legend({ points, map }) {
  const [hidden, hide] = useState([]);
  const { fields, columns } = points.header;
  const turn = (code) => {
    const now = hidden.includes(code) ? hidden.filter((each) => each !== code) : [...hidden, code];
    hide(now);
    map.current.paintBy(0, now);
  };
  return html`<div class="legend">
    <label>colour <select value=${columns[0]?.field ?? ""} onChange=${(event) => change({ color: event.target.value })}>
      <option value="">none</option>
      ${fields.map((name) => html`<option key=${name}>${name}</option>`)}
    </select></label>
    ${(columns[0]?.values ?? []).slice(0, PALETTE.length).map(
      (value, code) => html`<button key=${value} class="swatch" style=${{ borderInlineStartColor: PALETTE[code] }} aria-pressed=${!hidden.includes(code)} onClick=${() => turn(code)}>${value}</button>`,
    )}
    ${(columns[0]?.values.length ?? 0) > PALETTE.length && html`<span class="swatch other">others</span>`}
  </div>`;
}

/** The list beside the map: what the canvas shows, for those who do not see it. */
function Caught({ points, rows }) {
  const [found, show] = useState([]);
  useEffect(() => {
    if (points) things(points, rows.slice(0, LISTED)).then(show, () => show([]));
  }, [points, rows]);
  if (!rows.length) return html`<${Empty}>Nothing is caught yet.</${Empty}>`;
  return html`<section aria-label="caught"><h2>${rows.length.toLocaleString()} caught</h2>
    <ol>${found.map((thing) => html`<li key=${thing.id}><a href=${itemPath(thing.id)} dir="auto">${thing.title || thing.id}</a></li>`)}</ol>
    ${rows.length > LISTED && html`<p>and ${(rows.length - LISTED).toLocaleString()} more</p>`}
  </section>`;
}

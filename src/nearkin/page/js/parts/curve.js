// <nk-curve>: lines on a canvas, drawn by uPlot, which only those fetch who look at one.
import uPlot from "../../vendor/uplot.mjs";
import { html, useEffect, useRef } from "../html.js";

const COLORS = ["#3b76af", "#c9622b", "#2f8f5b", "#a6459b", "#7d6a16", "#c0394b", "#4f5bd5", "#5c7580"];
const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3]]; // colour is not the only sign
const HEIGHT = 320;

const sheet = document.createElement("link");
sheet.rel = "stylesheet";
sheet.href = new URL("../../vendor/uplot.css", import.meta.url).href;
document.head.append(sheet);

/** Points by name as uPlot has them: all x in order, and for each line its y there or nothing.
 * @param {Record<string, [number, number][]>} lines */
export function columns(lines) {
  const tables = Object.values(lines).map((points) => {
    const inOrder = [...points].sort(([one], [other]) => one - other);
    return [inOrder.map(([x]) => x), inOrder.map(([, y]) => y)];
  });
  return tables.length ? uPlot.join(tables) : [[]];
}

/** A line a name, over shares from 0 to 1; both axes say what they count. */
export function Curve({ lines, x, y, label }) {
  const place = useRef(null);
  useEffect(() => {
    const element = place.current;
    const style = getComputedStyle(document.documentElement);
    const ink = style.getPropertyValue("--ink").trim(), faint = style.getPropertyValue("--line").trim();
    const axis = (says) => ({ label: says, stroke: ink, grid: { stroke: faint }, ticks: { stroke: faint } });
    const series = Object.keys(lines).map((name, at) => ({ label: name, stroke: COLORS[at % COLORS.length], dash: DASHES[at % DASHES.length], width: 2, spanGaps: true, points: { show: true, size: 7 } }));
    const width = () => Math.max(200, element.clientWidth);
    const scales = { x: { time: false, range: [0, 1] }, y: { range: (_, low, high) => [0, 1.1 * high || 1] } };
    const drawn = new uPlot({ width: width(), height: HEIGHT, legend: { show: false }, cursor: { show: false }, scales, axes: [axis(x), axis(y)], series: [{}, ...series] }, columns(lines), element);
    const observer = new ResizeObserver(() => drawn.setSize({ width: width(), height: HEIGHT }));
    observer.observe(element);
    return () => (observer.disconnect(), drawn.destroy());
  }, [JSON.stringify(lines)]);
  return html`<div ref=${place} role="img" aria-label=${label}></div>
    <ul class="legend">${Object.keys(lines).map((name, at) => html`<li key=${name}><svg width="34" height="10" aria-hidden="true"><line x1="0" y1="5" x2="34" y2="5" stroke=${COLORS[at % COLORS.length]} stroke-width="3" stroke-dasharray=${DASHES[at % DASHES.length].join(" ")} /></svg> ${name}</li>`)}</ul>`;
}

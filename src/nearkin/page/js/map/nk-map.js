// <nk-map>: dots on a canvas, without a GPU. It is given points and tells what is pointed at and what is caught.
import { colorsOf, paint, sizeIn } from "./dots.js";
import { Grid, Window } from "./points.js";

// Eight colours with enough contrast on light and dark, as 0xAABBGGRR.
export const PALETTE = ["#3b76af", "#c9622b", "#2f8f5b", "#a6459b", "#7d6a16", "#c0394b", "#4f5bd5", "#5c7580"];
const OTHER = "#8a8f98";
const packed = (hex) => (0xff000000 | (parseInt(hex.slice(5, 7), 16) << 16) | (parseInt(hex.slice(3, 5), 16) << 8) | parseInt(hex.slice(1, 3), 16)) >>> 0;
const COLORS = PALETTE.map(packed), OTHER_COLOR = packed(OTHER), CODES = 65536;
const NEAR = 12; // pixels within which a dot is pointed at
const STEP = 60; // pixels that an arrow key moves the map

export class NkMap extends HTMLElement {
  #points = null;
  #grid = null;
  #window = null;
  #column = 0;
  #hidden = new Set();
  #path = []; // of the lasso, in map units
  #drag = null;
  #chosen = null; // 1 for each point that is chosen
  #colors = null; // of each point in the order of the grid; null until they are asked for
  #frame = 0;

  connectedCallback() {
    this.canvas = document.createElement("canvas");
    this.canvas.tabIndex = 0;
    this.canvas.setAttribute("role", "img");
    this.canvas.setAttribute("aria-label", "map; arrows move it, plus and minus zoom, shift and drag catches things, listed beside it");
    this.append(this.canvas);
    this.observer = new ResizeObserver(() => this.#resize());
    this.observer.observe(this);
    const on = (name, does, options) => this.canvas.addEventListener(name, does, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("wheel", (event) => this.#wheel(event), { passive: false });
    on("keydown", (event) => this.#key(event));
    this.#resize();
  }

  disconnectedCallback() {
    this.observer.disconnect();
    cancelAnimationFrame(this.#frame);
    this.canvas.remove();
  }

  /** What is shown. @param {import("./points.js").Points} points */
  set points(points) {
    this.#points = points;
    this.#grid = points && new Grid(points.xs, points.ys);
    this.#chosen = this.#colors = null;
    this.#window = points && new Window(this.canvas?.width || 1, this.canvas?.height || 1);
    this.draw();
  }

  /** Which column colours the dots, and which of its codes are hidden. */
  paintBy(column, hidden = []) {
    this.#column = column;
    this.#hidden = new Set(hidden);
    this.#colors = null;
    this.draw();
  }

  /** Show only these points in colour; null for all. @param {number[]|null} rows */
  choose(rows) {
    this.#chosen = rows && new Uint8Array(this.#points.header.count);
    for (const row of rows ?? []) this.#chosen[row] = 1;
    this.#colors = null;
    this.draw();
  }

  /** Points in view. */
  inView() {
    const { width, height } = this.#window;
    const [x0, y0] = this.#window.toMap(0, 0), [x1, y1] = this.#window.toMap(width, height);
    return this.#grid.inside([[x0, y0], [x1, y0], [x1, y1], [x0, y1]]);
  }

  draw() {
    if (!this.#frame) this.#frame = requestAnimationFrame(() => this.#paint());
  }

  #resize() {
    const ratio = devicePixelRatio || 1;
    const width = Math.max(1, Math.round(this.clientWidth * ratio)), height = Math.max(1, Math.round(this.clientHeight * ratio));
    Object.assign(this.canvas, { width, height });
    this.context = this.canvas.getContext("2d");
    this.image = this.context.createImageData(width, height);
    this.pixels = new Uint32Array(this.image.data.buffer);
    if (this.#window) {
      const { x, y, unit } = this.#window;
      this.#window = Object.assign(new Window(width, height), { x, y, unit });
    } else if (this.#points) this.#window = new Window(width, height);
    this.draw();
  }

  #paint() {
    this.#frame = 0;
    if (!this.#points) return;
    const start = performance.now();
    this.pixels.fill(0);
    this.#colors ??= this.#painted();
    paint(this.pixels, this.#window, this.#grid, this.#colors, sizeIn(this.#window, this.#points.header.count));
    this.context.putImageData(this.image, 0, 0);
    this.#labels();
    this.#lasso();
    this.dispatchEvent(new CustomEvent("painted", { detail: performance.now() - start }));
  }

  #painted() {
    const codes = this.#points.colors[this.#column], table = new Uint32Array(codes ? CODES : 1).fill(codes ? OTHER_COLOR : COLORS[0]);
    if (codes) table.set(COLORS);
    for (const code of this.#hidden) table[code] = 0;
    return colorsOf(this.#grid, table, codes, this.#chosen);
  }

  #labels() {
    const style = getComputedStyle(this), ratio = devicePixelRatio || 1;
    Object.assign(this.context, { font: `600 ${13 * ratio}px ${style.fontFamily}`, textAlign: "center", lineWidth: 4 * ratio });
    Object.assign(this.context, { strokeStyle: style.backgroundColor, fillStyle: style.color, lineJoin: "round" });
    for (const [word, x, y] of this.#points.header.words) {
      const [px, py] = this.#window.toScreen(x, y);
      this.context.strokeText(word, px, py);
      this.context.fillText(word, px, py);
    }
  }

  #lasso() {
    if (this.#path.length < 2) return;
    this.context.beginPath();
    for (const [x, y] of this.#path) this.context.lineTo(...this.#window.toScreen(x, y));
    this.context.closePath();
    Object.assign(this.context, { strokeStyle: getComputedStyle(this).color, lineWidth: 1.5 });
    this.context.stroke();
  }

  #at(event) {
    const box = this.canvas.getBoundingClientRect(), ratio = this.canvas.width / box.width;
    return [(event.clientX - box.left) * ratio, (event.clientY - box.top) * ratio];
  }

  #down(event) {
    this.canvas.setPointerCapture(event.pointerId);
    const at = this.#at(event);
    this.#drag = { last: at, first: at, lasso: event.shiftKey };
    this.#path = event.shiftKey ? [this.#window.toMap(...at)] : [];
  }

  #move(event) {
    const at = this.#at(event);
    if (!this.#drag) return this.#point(at);
    if (this.#drag.lasso) this.#path.push(this.#window.toMap(...at));
    else this.#window.pan(at[0] - this.#drag.last[0], at[1] - this.#drag.last[1]);
    this.#drag.last = at;
    this.draw();
  }

  #up(event) {
    const { lasso, first } = this.#drag ?? {};
    this.#drag = null;
    const at = this.#at(event);
    if (lasso) this.#caught(this.#grid.inside(this.#path));
    else if (first && Math.hypot(at[0] - first[0], at[1] - first[1]) < 4) this.#tell("picked", this.#under(at));
    this.#path = [];
    this.draw();
  }

  #caught(rows) {
    this.choose(rows.length ? rows : null);
    this.#tell("caught", rows);
  }

  #under = ([px, py]) => (this.#grid ? this.#grid.nearest(...this.#window.toMap(px, py), NEAR * this.#window.unit) : -1);

  #point(at) {
    const row = this.#under(at);
    this.canvas.classList.toggle("over", row >= 0);
    if (row !== this.hovered) this.#tell("hovered", (this.hovered = row));
  }

  #wheel(event) {
    event.preventDefault();
    this.#window.zoom(Math.exp(-event.deltaY / 400), ...this.#at(event));
    this.draw();
  }

  #key(event) {
    const pans = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
    if (pans[event.key]) this.#window.pan(...pans[event.key]);
    else if (event.key === "+" || event.key === "=") this.#window.zoom(1.3);
    else if (event.key === "-") this.#window.zoom(1 / 1.3);
    else if (event.key === "Escape") this.#caught([]);
    else return;
    event.preventDefault();
    this.draw();
  }

  #tell = (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail }));
}

customElements.define("nk-map", NkMap);

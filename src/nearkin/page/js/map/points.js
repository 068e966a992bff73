// The points of a map: read from bytes, found under the pointer, and caught by a lasso. Pure; nothing is drawn here.

/** @typedef {{count: number, words: [string, number, number][], columns: {field: string, values: string[]}[], version: number, whole: number}} Header
 *  @typedef {{header: Header, xs: Uint16Array, ys: Uint16Array, colors: (Uint8Array|Uint16Array)[]}} Points */

export const SPAN = 65535; // coordinates go from 0 to this

/** Bytes: length of the header (uint32), header (JSON, padded with spaces to a multiple of 4), x and y (uint16), then for each column
 *  a code a point (uint8, or uint16 where it has more than 255 values). @param {ArrayBuffer} bytes @returns {Points} */
export function decoded(bytes) {
  const length = new DataView(bytes).getUint32(0, true);
  const header = JSON.parse(new TextDecoder().decode(new Uint8Array(bytes, 4, length)));
  let at = 4 + length;
  const take = (Kind) => {
    at += at % Kind.BYTES_PER_ELEMENT;
    const found = new Kind(bytes, at, header.count);
    at += header.count * Kind.BYTES_PER_ELEMENT;
    return found;
  };
  const xs = take(Uint16Array), ys = take(Uint16Array);
  return { header, xs, ys, colors: header.columns.map(({ values }) => take(values.length > 255 ? Uint16Array : Uint8Array)) };
}

/** Points by the cell of a grid that they stand in, so that what is near is found without looking at all. */
export class Grid {
  constructor(xs, ys, side = Math.max(1, Math.min(512, Math.round(Math.sqrt(xs.length / 4))))) {
    Object.assign(this, { xs, ys, side, starts: new Uint32Array(side * side + 1), order: new Uint32Array(xs.length) });
    const cells = Uint32Array.from(xs, (x, point) => this.#cell(ys[point]) * side + this.#cell(x));
    for (const cell of cells) this.starts[cell + 1]++;
    for (let cell = 0; cell < side * side; cell++) this.starts[cell + 1] += this.starts[cell];
    const next = this.starts.slice(0, -1);
    cells.forEach((cell, point) => (this.order[next[cell]++] = point));
    // coordinates as they stand in the cells: drawing reads them one after the other
    [this.placedXs, this.placedYs] = [xs, ys].map((each) => each.map((_, at) => each[this.order[at]]));
  }

  #cell(value) {
    return Math.max(0, Math.min(this.side - 1, Math.floor((value * this.side) / (SPAN + 1))));
  }

  /** The cells that a box touches, as spans [start, stop) of `order`. */
  *spans(x0, y0, x1, y1) {
    const [left, right, top, bottom] = [x0, x1, y0, y1].map((value) => this.#cell(value));
    for (let row = top; row <= bottom; row++) yield [this.starts[row * this.side + left], this.starts[row * this.side + right + 1]];
  }

  /** Points in the cells that a box touches. */
  *near(x0, y0, x1, y1) {
    for (const [start, stop] of this.spans(x0, y0, x1, y1)) for (let at = start; at < stop; at++) yield this.order[at];
  }

  /** The point nearest to a place, at most `reach` away; -1 where there is none. */
  nearest(x, y, reach) {
    let found = -1, least = reach * reach;
    for (const point of this.near(x - reach, y - reach, x + reach, y + reach)) {
      const apart = (this.xs[point] - x) ** 2 + (this.ys[point] - y) ** 2;
      if (apart <= least) [found, least] = [point, apart];
    }
    return found;
  }

  /** The points inside a polygon [[x, y], ...], rising. */
  inside(polygon) {
    if (polygon.length < 3) return [];
    const xs = polygon.map(([x]) => x), ys = polygon.map(([, y]) => y);
    const [x0, x1, y0, y1] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
    const found = [];
    for (const point of this.near(x0, y0, x1, y1)) if (holds(polygon, this.xs[point], this.ys[point])) found.push(point);
    return found.sort((one, other) => one - other);
  }
}

/** Whether a place is inside a polygon: how often a line from it crosses the edges. */
export function holds(polygon, x, y) {
  let inside = false;
  for (let at = 0, before = polygon.length - 1; at < polygon.length; before = at++) {
    const [ax, ay] = polygon[at], [bx, by] = polygon[before];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

/** Which part of the map is shown: centre, and map units a pixel. */
export class Window {
  constructor(width, height) {
    Object.assign(this, { width, height, x: SPAN / 2, y: SPAN / 2, unit: (SPAN * 1.06) / Math.min(width, height) });
  }

  toMap = (px, py) => [this.x + (px - this.width / 2) * this.unit, this.y + (py - this.height / 2) * this.unit];
  toScreen = (x, y) => [(x - this.x) / this.unit + this.width / 2, (y - this.y) / this.unit + this.height / 2];

  pan(dx, dy) {
    this.x -= dx * this.unit;
    this.y -= dy * this.unit;
  }

  /** Zoom by a factor about a pixel, which keeps its place. */
  zoom(factor, px = this.width / 2, py = this.height / 2) {
    const [x, y] = this.toMap(px, py);
    this.unit = Math.max(0.5, Math.min((SPAN * 2) / Math.min(this.width, this.height), this.unit / factor));
    const [nx, ny] = this.toMap(px, py);
    this.x += x - nx;
    this.y += y - ny;
  }
}

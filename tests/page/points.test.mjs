import assert from "node:assert/strict";
import { test } from "node:test";
import { DIM, colorsOf, dotSize, paint } from "../../src/nearkin/page/js/map/dots.js";
import { Grid, SPAN, Window, decoded, holds } from "../../src/nearkin/page/js/map/points.js";

/** Numbers that look drawn, the same every time. */
function drawn(seed) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

function cloud(count, seed = 1) {
  const random = drawn(seed);
  const xs = Uint16Array.from({ length: count }, () => random() * SPAN), ys = Uint16Array.from({ length: count }, () => random() * SPAN);
  return { header: { count, words: [], columns: [] }, xs, ys, colors: [] };
}

test("bytes are read as they were written, with one and with two bytes a code", () => {
  for (const [values, Kind] of [[["a", "b"], Uint8Array], [Array.from({ length: 300 }, String), Uint16Array]]) {
    const header = new TextEncoder().encode(JSON.stringify({ count: 3, words: [["é", 1, 2]], columns: [{ field: "f", values }] }));
    const padded = new Uint8Array(Math.ceil(header.length / 4) * 4).fill(32);
    padded.set(header);
    const parts = [new Uint32Array([padded.length]), padded, new Uint16Array([1, 2, 3]), new Uint16Array([4, 5, 6]), new Kind([0, 1, 2])];
    const bytes = new Uint8Array(parts.reduce((size, part) => size + part.byteLength, 0));
    parts.reduce((at, part) => (bytes.set(new Uint8Array(part.buffer), at), at + part.byteLength), 0);
    const points = decoded(bytes.buffer);
    assert.deepEqual([[...points.xs], [...points.ys], [...points.colors[0]]], [[1, 2, 3], [4, 5, 6], [0, 1, 2]]);
    assert.equal(points.header.words[0][0], "é");
  }
});

test("the nearest point is that of a look at all", () => {
  const { xs, ys } = cloud(2000);
  const grid = new Grid(xs, ys), random = drawn(7);
  for (let turn = 0; turn < 300; turn++) {
    const x = random() * SPAN, y = random() * SPAN, reach = random() * 3000;
    const apart = Array.from(xs, (_, point) => (xs[point] - x) ** 2 + (ys[point] - y) ** 2);
    const least = Math.min(...apart);
    const found = grid.nearest(x, y, reach);
    if (least > reach * reach) assert.equal(found, -1);
    else assert.equal(apart[found], least);
  }
});

test("a lasso catches what a look at all finds inside", () => {
  const { xs, ys } = cloud(1500, 3);
  const grid = new Grid(xs, ys), random = drawn(5);
  for (let turn = 0; turn < 40; turn++) {
    const polygon = Array.from({ length: 3 + (turn % 6) }, () => [random() * SPAN * 1.4 - SPAN * 0.2, random() * SPAN * 1.4 - SPAN * 0.2]);
    assert.deepEqual(grid.inside(polygon), [...xs.keys()].filter((point) => holds(polygon, xs[point], ys[point])));
  }
  assert.deepEqual(grid.inside([[0, 0], [1, 1]]), []);
});

test("a place keeps its pixel through zooming about it, and there and back is the same place", () => {
  const window = new Window(900, 560);
  window.pan(30, -40);
  for (const [px, py] of [[0, 0], [450, 280], [880, 12]]) {
    const before = window.toMap(px, py);
    window.zoom(1.7, px, py);
    window.toMap(px, py).forEach((value, axis) => assert.ok(Math.abs(value - before[axis]) < 1e-6));
    window.toScreen(...window.toMap(px, py)).forEach((value, axis) => assert.ok(Math.abs(value - [px, py][axis]) < 1e-6));
  }
});

const RED = 0xff0000ff, BLUE = 0xffff0000;

test("every point in view is drawn where it stands, in its colour, and hidden ones are not", () => {
  const { xs, ys } = cloud(500, 9), grid = new Grid(xs, ys), codes = Uint8Array.from(xs, (_, point) => point % 3);
  for (const zoom of [1, 3]) {
    const window = new Window(400, 300), pixels = new Uint32Array(400 * 300), wanted = new Map();
    window.zoom(zoom, 120, 90);
    for (let point = 0; point < 500; point++) {
      const [x, y] = window.toScreen(xs[point], ys[point]).map(Math.floor);
      if (codes[point] < 2 && x >= 0 && y >= 0 && x < 400 && y < 300) (wanted.get(y * 400 + x) ?? wanted.set(y * 400 + x, []).get(y * 400 + x)).push([RED, BLUE][codes[point]]);
    }
    paint(pixels, window, grid, colorsOf(grid, Uint32Array.of(RED, BLUE, 0), codes, null), 1);
    assert.ok(wanted.size > 20);
    pixels.forEach((pixel, at) => (wanted.has(at) ? assert.ok(wanted.get(at).includes(pixel)) : assert.equal(pixel, 0)));
  }
});

test("wider dots are squares, and those that are not chosen lie under those that are", () => {
  const xs = new Uint16Array(40).fill(SPAN / 2), ys = xs.slice(), grid = new Grid(xs, ys), window = new Window(100, 100), pixels = new Uint32Array(1e4);
  const chosen = new Uint8Array(40);
  chosen[7] = 1;
  paint(pixels, window, grid, colorsOf(grid, Uint32Array.of(RED), undefined, chosen), 3);
  assert.equal(pixels.filter((pixel) => pixel === RED).length, 9);
  assert.equal(pixels.filter((pixel) => pixel === DIM).length, 0);
  assert.ok(dotSize(100, 1e6) > dotSize(25_000, 1e6));
  assert.equal(dotSize(1e6, 1e6), 1);
});

test("a million points are laid into the grid and painted", () => {
  const points = cloud(1_000_000, 11), window = new Window(900, 560), pixels = new Uint32Array(900 * 560);
  const grid = new Grid(points.xs, points.ys);
  assert.equal(grid.order.length, 1_000_000);
  paint(pixels, window, grid, colorsOf(grid, Uint32Array.of(RED), undefined, null), 1);
  assert.ok(pixels.filter((pixel) => pixel === RED).length > 10_000);
});

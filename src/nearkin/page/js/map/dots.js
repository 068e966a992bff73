// Dots into pixels. This runs in every frame over every point in view, so it is plain loops over numbers.
import { SPAN } from "./points.js";

export const DIM = 0x30808080; // of points that are not chosen

/** How wide a dot is, in pixels, for so many points shown in so many pixels. */
export const dotSize = (shown, pixels) => Math.max(1, Math.min(5, Math.round(Math.sqrt((0.25 * pixels) / Math.max(1, shown)))));

/** How wide dots are in this window. */
export const sizeIn = (window, count) => dotSize(count, (SPAN / window.unit) ** 2);

/** The colour of each point in the order of the grid, 0 where it is hidden; made anew when colours change, not in each frame.
 * @param {Uint32Array} table colour of each code @param {ArrayLike<number>|undefined} codes one a point; none: all are 0
 * @param {Uint8Array|null} chosen 1 for each point that is chosen */
export function colorsOf(grid, table, codes, chosen) {
  const { order } = grid, colors = new Uint32Array(order.length);
  for (let at = 0; at < order.length; at++) {
    const point = order[at];
    colors[at] = chosen && !chosen[point] ? DIM : table[codes ? codes[point] : 0];
  }
  return colors;
}

/** Draw what is in view into pixels (uint32, width * height); dim dots never lie above others. */
export function paint(pixels, window, grid, colors, size) {
  const { width, height, unit } = window;
  const [left, top] = window.toMap(-size, -size), [right, bottom] = window.toMap(width + size, height + size);
  for (const [start, stop] of grid.spans(left, top, right, bottom)) dots(pixels, window, grid, colors, size, start, stop, 1 / unit);
}

function dots(pixels, window, grid, colors, size, start, stop, scale) {
  const { width, height } = window, { placedXs: xs, placedYs: ys } = grid;
  const [left, top] = window.toMap(0, 0);
  const half = size >> 1, right = width - size, bottom = height - size;
  for (let at = start; at < stop; at++) {
    const px = Math.floor((xs[at] - left) * scale) - half, py = Math.floor((ys[at] - top) * scale) - half, color = colors[at];
    if (px < 0 || py < 0 || px > right || py > bottom || color === 0) continue;
    let pixel = py * width + px;
    if (color === DIM && pixels[pixel] !== 0) continue;
    if (size === 1) pixels[pixel] = color;
    else for (let row = 0; row < size; row++, pixel += width) for (let column = 0; column < size; column++) pixels[pixel + column] = color;
  }
}

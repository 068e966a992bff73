// Where two values differ, word by word: the longest run of words in common, and what is in neither side of it.

const MOST = 400; // words a side that are compared; longer texts are shown unmarked

/** What stands where nothing does, and everything else as a text. */
export const plain = (value) =>
  value === null || value === undefined || value === "" ? "–" : Array.isArray(value) ? value.join(", ") || "–" : typeof value === "object" ? JSON.stringify(value) : String(value);

const words = (text) => text.match(/\S+\s*/g) ?? [];
const bare = (word) => word.trim().toLowerCase().replace(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");

/** Both texts as [[part, whether the other side has it], ...]. @param {string} left @param {string} right */
export function compared(left, right) {
  const one = words(left), other = words(right);
  if (one.length > MOST || other.length > MOST) return [[[left, true]], [[right, true]]];
  const [here, there] = common(one.map(bare), other.map(bare));
  return [runs(one, here), runs(other, there)];
}

/** Which places of each list belong to their longest common subsequence. */
function common(one, other) {
  const wide = other.length + 1;
  const best = new Uint16Array((one.length + 1) * wide);
  for (let a = one.length - 1; a >= 0; a--)
    for (let b = other.length - 1; b >= 0; b--)
      best[a * wide + b] = one[a] === other[b] ? best[(a + 1) * wide + b + 1] + 1 : Math.max(best[(a + 1) * wide + b], best[a * wide + b + 1]);
  const here = one.map(() => false), there = other.map(() => false);
  for (let a = 0, b = 0; a < one.length && b < other.length; )
    if (one[a] === other[b]) here[a++] = there[b++] = true;
    else if (best[(a + 1) * wide + b] >= best[a * wide + b + 1]) a++;
    else b++;
  return [here, there];
}

function runs(parts, shared) {
  const found = [];
  parts.forEach((part, place) => {
    if (found.length && found[found.length - 1][1] === shared[place]) found[found.length - 1][0] += part;
    else found.push([part, shared[place]]);
  });
  return found;
}

/** The parts up to so many characters. */
export function shortened(parts, most) {
  const found = [];
  let left = most;
  for (const [part, shared] of parts) {
    if (part.length <= left) found.push([part, shared]);
    else if (left > 0) found.push([`${Array.from(part.slice(0, left)).join("")}…`, shared]);
    left -= part.length;
  }
  return found;
}

/** The rows of a comparison: fields that belong together, numbers found in several of them, then what only one side has.
 * @param {{left_fields: object, right_fields: object, match: {columns: [string, string][]}}} pair */
export function rows(pair) {
  const { columns } = pair.match;
  const taken = [new Set(columns.map(([left]) => left)), new Set(columns.map(([, right]) => right))];
  const lone = (side, place) => Object.keys(pair[side]).filter((name) => !taken[place].has(name));
  const both = columns.map(([left, right]) => ({ name: left === right ? left : `${left} / ${right}`, left: plain(pair.left_fields[left]), right: plain(pair.right_fields[right]), weight: weight(pair, left) }));
  const numbers = pair.why.parts.filter(({ name, left, right }) => !taken[0].has(name) && (Array.isArray(left) || Array.isArray(right)));
  const found = numbers.map((part) => ({ name: part.name, left: plain(part.left), right: plain(part.right), weight: part.weight }));
  const names = [...new Set([...lone("left_fields", 0), ...lone("right_fields", 1)])];
  const rest = names.map((name) => ({ name, left: side(pair.left_fields, name, taken[0]), right: side(pair.right_fields, name, taken[1]), alone: true }));
  return [...both, ...found, ...rest];
}

const weight = (pair, name) => pair.why.parts.find((part) => part.name === name)?.weight;
const side = (fields, name, taken) => (taken.has(name) || !(name in fields) ? "" : plain(fields[name]));

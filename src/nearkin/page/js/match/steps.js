// From a usual wrong candidate to the score of a pair, step by step.

const SMALL = 0.005; // bars below this say nothing and are left out

export const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(Math.abs(value) < 10 ? 2 : 1)}`;

/** A chance in words; it is an estimate, so that none is certain. */
export const percent = (chance) => (chance == null ? "no estimate" : `${chance < 0.01 ? "under 1" : chance > 0.99 ? "over 99" : Math.round(100 * chance)} %`);

/** The steps of the bars: [{name, from, to, weight}], the start first, in falling weight; what says next to nothing is one bar.
 * @param {{start: number, parts: {name: string, weight: number}[]}} why */
export function steps(why) {
  const said = why.parts.filter(({ weight }) => Math.abs(weight) >= SMALL).sort((one, other) => Math.abs(other.weight) - Math.abs(one.weight));
  const rest = why.parts.filter(({ weight }) => Math.abs(weight) < SMALL).reduce((sum, { weight }) => sum + weight, 0);
  const bars = [{ name: "start", weight: why.start }, ...said, ...(Math.abs(rest) >= 1e-9 ? [{ name: "the rest", weight: rest }] : [])];
  let at = 0;
  return bars.map(({ name, weight }) => ({ name, weight, from: at, to: (at += weight) }));
}

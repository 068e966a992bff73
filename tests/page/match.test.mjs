import assert from "node:assert/strict";
import { test } from "node:test";
import { compared, rows, shortened } from "../../src/nearkin/page/js/match/differences.js";
import { percent, steps } from "../../src/nearkin/page/js/match/steps.js";

const joined = (parts) => parts.map(([part]) => part).join("");
const marked = (parts) => parts.filter(([, shared]) => !shared).map(([part]) => part.trim());

test("words that only one side has are marked, the rest is as it was", () => {
  const [left, right] = compared("Red running shoe, for women", "red  shoe for tall women!");
  assert.equal(joined(left), "Red running shoe, for women");
  assert.equal(joined(right), "red  shoe for tall women!");
  assert.deepEqual([marked(left), marked(right)], [["running"], ["tall"]]);
  assert.deepEqual(compared("", "a").map(marked), [[], ["a"]]);
  assert.deepEqual(compared("שלום עולם", "שלום ספר").map(marked), [["עולם"], ["ספר"]]);
  assert.deepEqual(compared("a ".repeat(500), "b").map((side) => side.length), [1, 1]);
});

test("a long value is cut and says so", () => {
  assert.equal(joined(shortened([["abc", true], ["defg", false], ["h", true]], 5)), "abcde…");
  assert.equal(joined(shortened([["abc", true]], 3)), "abc");
});

test("the bars run from the start to the score, the strongest first, what says nothing in one", () => {
  const told = steps({ start: -9, parts: [{ name: "a", weight: 1 }, { name: "b", weight: -4 }, { name: "c", weight: 0.001 }, { name: "d", weight: 0.002 }] });
  assert.deepEqual(told.map(({ name }) => name), ["start", "b", "a", "the rest"]);
  assert.equal(told[0].from, 0);
  for (let place = 1; place < told.length; place++) assert.equal(told[place].from, told[place - 1].to);
  assert.ok(Math.abs(told.at(-1).to - (-9 + 1 - 4 + 0.003)) < 1e-12);
});

test("a chance that is not told is not made up, and none is certain", () => {
  assert.deepEqual([null, 0, 0.004, 0.5, 0.9851, 0.996, 1].map(percent), ["no estimate", "under 1 %", "under 1 %", "50 %", "99 %", "over 99 %", "over 99 %"]);
});

test("fields that belong together stand in one row, those of one side alone at the end", () => {
  const pair = {
    match: { columns: [["name", "title"]] }, why: { parts: [{ name: "name", weight: 2 }, { name: "model numbers", left: ["x1"], right: null, weight: 1 }, { name: "all text", left: "a", right: "b", weight: 1 }] },
    left_fields: { id: "l1", name: "a", color: "red" }, right_fields: { id: "r1", title: null, price: 3 },
  };
  assert.deepEqual(rows(pair), [
    { name: "name / title", left: "a", right: "–", weight: 2 },
    { name: "model numbers", left: "x1", right: "–", weight: 1 },
    { name: "id", left: "l1", right: "r1", alone: true },
    { name: "color", left: "red", right: "", alone: true },
    { name: "price", left: "", right: "3", alone: true },
  ]);
});

import assert from "node:assert/strict";
import { test } from "node:test";
import { both, has } from "../../src/nearkin/page/js/where.js";

test("values are quoted and odd names stand in backticks", () => {
  assert.equal(has("brand", "L'Oréal", false), "brand = 'L''Oréal'");
  assert.equal(has("level 1", 3, false), "`level 1` = 3");
  assert.equal(has("tags", "red", true), "array_has(tags, 'red')");
});

test("filters are joined, and none is no filter", () => {
  assert.equal(both("", undefined), undefined);
  assert.equal(both("a = 1"), "a = 1");
  assert.equal(both("a = 1 OR b = 2", "c = 3"), "(a = 1 OR b = 2) AND (c = 3)");
});

// A request as others would write it, and jobs out of events.
import assert from "node:assert/strict";
import { test } from "node:test";
import { asCurl, asJson, asPython, literal } from "../../src/nearkin/page/js/request.js";

const BASE = "http://shop.example/kin/";

test("curl keeps quotes and leaves the key out", () => {
  const told = asCurl({ method: "POST", path: "v1/search", body: { queries: ["it's"] }, key: true }, BASE);
  assert.equal(told, `curl -s 'http://shop.example/kin/v1/search' \\\n  -H "Authorization: Bearer $NEARKIN_KEY" \\\n  -H 'Content-Type: application/json' \\\n  -d '{"queries":["it'\\''s"]}'`);
  assert.equal(asCurl({ method: "DELETE", path: "v1/jobs/1", key: false }, BASE), "curl -s -X DELETE 'http://shop.example/kin/v1/jobs/1'");
  assert.match(asCurl({ method: "POST", path: "v1/x", key: false }, BASE), /-X POST/);
});

test("Python has its own words for what JSON says", () => {
  assert.equal(literal({ a: [true, null, 1.5, "x\"y"], b: false }), '{"a": [True, None, 1.5, "x\\"y"], "b": False}');
  assert.match(asPython({ method: "GET", path: "v1/papers", key: true }, BASE), /import json, os/);
});

test("JSON is the request itself", () => {
  assert.equal(asJson({ method: "GET", path: "v1/papers" }), "GET v1/papers");
});

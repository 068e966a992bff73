// A request as others would write it.

/** @typedef {{method: string, path: string, body?: object, key: boolean}} Asked */

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;
const KEY = "$NEARKIN_KEY";

/** For a shell; the key stays out of it. @param {Asked} asked @param {string} base */
export function asCurl({ method, path, body, key }, base) {
  const parts = [`curl -s ${method === "GET" || (method === "POST" && body) ? "" : `-X ${method} `}${quoted(new URL(path, base).href)}`];
  if (key) parts.push(`-H "Authorization: Bearer ${KEY}"`);
  if (body) parts.push("-H 'Content-Type: application/json'", `-d ${quoted(JSON.stringify(body))}`);
  return parts.join(" \\\n  ");
}

/** For Python, with what comes with it. @param {Asked} asked @param {string} base */
export function asPython({ method, path, body, key }, base) {
  const headers = { ...(body && { "Content-Type": "application/json" }) };
  const given = Object.entries(headers).map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`);
  if (key) given.push('"Authorization": "Bearer " + os.environ["NEARKIN_KEY"]');
  return [
    `import json${key ? ", os" : ""}`,
    "from urllib.request import Request, urlopen",
    "",
    ...(body ? [`body = ${literal(body)}`] : []),
    `request = Request(${JSON.stringify(new URL(path, base).href)}, ${body ? "json.dumps(body).encode(), " : ""}{${given.join(", ")}}, method="${method}")`,
    "with urlopen(request) as answer:",
    "    print(json.load(answer))",
  ].join("\n");
}

export const asJson = ({ method, path, body }) => `${method} ${path}${body ? `\n\n${JSON.stringify(body, null, 2)}` : ""}`;

/** A value as Python writes it. */
export function literal(value) {
  if (value === null || value === undefined) return "None";
  if (value === true || value === false) return value ? "True" : "False";
  if (Array.isArray(value)) return `[${value.map(literal).join(", ")}]`;
  if (typeof value === "object") return `{${Object.entries(value).map(([name, each]) => `${JSON.stringify(name)}: ${literal(each)}`).join(", ")}}`;
  return JSON.stringify(value);
}

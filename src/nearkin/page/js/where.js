// Filters from what was clicked, in the language of `where`.

export const quoted = (value) => (typeof value === "string" ? `'${value.replaceAll("'", "''")}'` : String(value));
export const named = (field) => (/^[A-Za-z_][A-Za-z0-9_]*$/.test(field) ? field : `\`${field}\``);

/** One value of a field; of a field of lists, things that have it among others. */
export const has = (field, value, many) => (many ? `array_has(${named(field)}, ${quoted(value)})` : `${named(field)} = ${quoted(value)}`);

/** All of these filters at once; undefined where there is none. */
export function both(...parts) {
  const given = parts.filter(Boolean);
  return given.length ? given.map((part) => (given.length > 1 ? `(${part})` : part)).join(" AND ") : undefined;
}

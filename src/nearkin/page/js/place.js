// Where the page is: a path and a query string, as a signal. Defaults are left out, keys stand in one order.
import { signal } from "./html.js";

const ORDER = ["q", "after", "id", "where", "f", "stage", "diversity", "metric", "slice", "a", "b", "k", "offset", "cut", "face", "color", "sel", "open", "threshold", "band", "page", "v"];
const base = new URL(document.baseURI);

/** @typedef {{path: string, query: Record<string, string[]>}} Place */

/** Path and query of an address; the path is below the base and without its first slash.
 * @param {string} address @returns {Place} */
export function read(address) {
  const url = new URL(address, base);
  const path = url.pathname.startsWith(base.pathname) ? url.pathname.slice(base.pathname.length) : "";
  const query = {};
  for (const [name, value] of url.searchParams) (query[name] ??= []).push(value);
  return { path, query };
}

/** The address of a place, relative to the base. @param {Place} place */
export function written({ path, query }) {
  const known = Object.keys(query).sort((one, other) => rank(one) - rank(other) || one.localeCompare(other));
  const parts = known.flatMap((name) => query[name].filter((value) => value !== "").map((value) => pair(name, value)));
  return (path || "./") + (parts.length ? `?${parts.join("&")}` : "");
}

const rank = (name) => {
  const at = ORDER.indexOf(name.split(".")[0]);
  return at < 0 ? ORDER.length : at;
};
const pair = (name, value) => `${encodeURIComponent(name)}=${encodeURIComponent(value).replaceAll("%20", "+")}`;

/** @type {{value: Place}} */
export const here = signal(read(location.href));

/** Go to an address; `quietly` replaces the one that is shown, for what changes with every key. */
export function go(address, quietly = false) {
  const url = new URL(address, base);
  if (url.href === location.href) return;
  if (quietly) history.replaceState(null, "", url);
  else history.pushState(null, "", url);
  here.value = read(url.href);
  if (!quietly) scrollTo(0, 0);
}

/** Change some keys of the query; null or an empty text takes a key away. */
export function change(keys, quietly = false) {
  const query = { ...here.value.query };
  for (const [name, value] of Object.entries(keys)) {
    if (value === null || value === "" || (Array.isArray(value) && !value.length)) delete query[name];
    else query[name] = Array.isArray(value) ? value : [String(value)];
  }
  go(written({ path: here.value.path, query }), quietly);
}

export const one = (name, otherwise = "") => here.value.query[name]?.[0] ?? otherwise;
export const all = (name) => here.value.query[name] ?? [];
export const itemPath = (id) => `item/${encodeURIComponent(id)}`;

addEventListener("popstate", () => (here.value = read(location.href)));
addEventListener("click", (event) => {
  const link = event.composedPath().find((each) => each instanceof HTMLAnchorElement);
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || link.target) return;
  if (link.origin !== base.origin || !link.pathname.startsWith(base.pathname)) return;
  event.preventDefault();
  go(link.href);
});

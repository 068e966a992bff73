import { Refusal, latest } from "../api.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { Code, FoundBy, Neighbours } from "../parts/faces.js";
import { add } from "../parts/history.js";
import { Loading, Trouble } from "../parts/states.js";
import { itemPath, one } from "../place.js";

const ask = latest();
const FACES = { neighbours: ["Neighbours", Neighbours], code: ["Code", Code], hits: ["Hits", FoundBy] };

/** The thing as it is, or was at a version. */
async function thing(id, version) {
  if (!version) return (await ask(`v1/items/${encodeURIComponent(id)}`)).item;
  const { items } = await ask("v1/items:query", { ids: [id], version });
  if (items.length) return items[0];
  throw new Refusal({ title: "Not Found", detail: `there was no thing ${JSON.stringify(id)} at version ${version}` }, 404);
}

/** A thing: all its fields, and three faces: what is like it, the code that names it, the queries that return it. */
export function Item({ id }) {
  const [item, show] = useState(null);
  const [error, fail] = useState(null);
  const version = Number(one("v"));
  useEffect(() => {
    show(null);
    fail(null);
    thing(id, version).then(show, fail);
  }, [id, version]);
  const tabs = useRef(null);
  useEffect(() => {
    if (one("face")) tabs.current?.scrollIntoView();
  }, [item === null, one("face")]);
  if (error) return html`<main><${Trouble} error=${error} /></main>`;
  if (!item) return html`<main><${Loading} /></main>`;
  const face = FACES[one("face")] ? one("face") : "neighbours";
  const [, View] = FACES[face];
  return html`<main class="item">
    <h1 dir="auto">${id}</h1>
    <p class="actions"><button onClick=${() => add(id)}>+ next</button> <a class="button" href=${`compare?id=${encodeURIComponent(id)}`}>compare stages</a></p>
    <${Fields} item=${item} />
    <nav class="tabs" aria-label="faces" ref=${tabs}>
      ${Object.entries(FACES).map(([name, [title]]) => html`<a key=${name} href=${`${itemPath(id)}?face=${name}${["stage", "v"].map((name) => (one(name) ? `&${name}=${encodeURIComponent(one(name))}` : "")).join("")}`} aria-current=${name === face ? "page" : undefined}>${title}</a>`)}
    </nav>
    <h2 class="unseen">${FACES[face][0]}</h2>
    <${View} key=${`${id} ${face} ${version}`} id=${id} stage=${one("stage")} version=${version} />
  </main>`;
}

/** Every field, also those without a value. */
export const Fields = ({ item }) => html`<dl class="fields">
  ${Object.entries(item).map(([name, value]) => html`<div key=${name}><dt>${name}</dt><dd dir="auto">${plain(value)}</dd></div>`)}
</dl>`;

const plain = (value) => (value === null || value === "" ? "–" : Array.isArray(value) ? value.join(", ") : typeof value === "object" ? JSON.stringify(value) : String(value));

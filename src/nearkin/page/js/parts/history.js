// The history that is being made by clicking; it stands in the address of the view `next`.
import { html, signal } from "../html.js";
import { all, go, here, itemPath, written } from "../place.js";

/** What was put aside in other views. */
export const basket = signal([]);

const onNext = () => here.value.path === "next";

/** The ids of the history: those of the address where it has some, else those put aside. */
export const held = () => (onNext() && all("after").length ? all("after") : basket.value);

export function put(ids) {
  basket.value = ids;
  if (onNext()) go(written({ path: "next", query: { ...here.value.query, after: ids } }));
}

export const add = (id) => put([...held().filter((each) => each !== id), id]);

function shifted(ids, at, by) {
  const to = Math.max(0, Math.min(ids.length - 1, at + by));
  const rest = ids.filter((_, place) => place !== at);
  return [...rest.slice(0, to), ids[at], ...rest.slice(to)];
}

/** The things of the history, oldest first; Alt with an arrow moves one. */
export function History() {
  const ids = held();
  const move = (event, at) => {
    const by = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[event.key];
    if (!event.altKey || !by) return;
    event.preventDefault();
    put(shifted(ids, at, by));
  };
  return html`<ol class="history" aria-label="history, oldest first">
    ${ids.map(
      (id, at) => html`<li key=${id} onKeyDown=${(event) => move(event, at)}>
        <a href=${itemPath(id)} title="Alt with an arrow moves it">${id}</a>
        <button aria-label=${`remove ${id}`} onClick=${() => put(ids.filter((each) => each !== id))}>×</button>
      </li>`,
    )}
    ${ids.length > 0 && html`<li><button onClick=${() => put([])}>clear</button></li>`}
  </ol>`;
}

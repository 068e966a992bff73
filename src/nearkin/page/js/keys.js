// What keys do outside of inputs.
import { judge } from "./parts/judging.js";
import { go, here } from "./place.js";

import { letters } from "./settings.js";

export const VIEWS = { s: "./", n: "next", c: "compare", m: "map", h: "match", p: "papers", e: "eval", a: "admin" };

/** Hear keys until the answer is called; `help` shows what they do. */
export function listen(help) {
  let after = "";
  const heard = (event) => {
    if (event.metaKey || event.ctrlKey || event.altKey) return;
    const typing = event.target.closest?.("input, textarea, select");
    if (typing) return void (event.key === "Escape" && typing.blur());
    if (document.querySelector("dialog[open]") || (!letters.value && event.key.length === 1)) return;
    const was = after;
    after = event.key === "g" ? "g" : "";
    if (was === "g" && VIEWS[event.key]) go(VIEWS[event.key]);
    else if (event.key === "?") help();
    else if (event.key === "/") focusBox(event);
    else if (event.key === "j" || event.key === "k") step(event.key === "j" ? 1 : -1);
    else act(event.key);
  };
  addEventListener("keydown", heard);
  return () => removeEventListener("keydown", heard);
}

function focusBox(event) {
  event.preventDefault();
  const box = document.getElementById("box");
  if (box) box.focus();
  else if (here.value.path !== "") go("./");
}

const HITS = ".card, .hit"; // what keys walk through
const cards = () => [...document.querySelectorAll(HITS)];

/** To the next card, or the one before. */
function step(by) {
  const all = cards();
  const at = all.indexOf(document.activeElement?.closest(HITS));
  all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))]?.focus();
}

/** Enter, s, a and w on a card: open it, more like it, add it to the history, why; 0 to 3 judge it, u takes that back. */
function act(key) {
  const card = document.activeElement?.closest(HITS);
  if (card?.dataset.id && "0123u".includes(key) && key.length === 1) return void judge(card.dataset.id, key === "u" ? null : Number(key));
  const wanted = { Enter: "h3 a, :scope > a", s: ".actions a", a: ".actions button", w: ".actions button[aria-expanded]" }[key];
  if (card && card === document.activeElement && wanted) card.querySelector(wanted)?.click();
}

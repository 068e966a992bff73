import { answered, ask, newest } from "../api.js";
import { html, useEffect } from "../html.js";
import { change, here, one } from "../place.js";

const LOOK_MS = 60_000;

/** Whether the view answers from a version of the collection, which its address can name. */
export const versioned = () => ["", "next", "compare"].includes(here.value.path) || here.value.path.startsWith("item/");

/** A bar over views whose answers are older than the collection is by now. */
export function Stale() {
  useEffect(() => {
    const look = () => void (document.visibilityState === "visible" && ask("version").catch(() => {})); // what it tells is noted where all answers are
    const timer = setInterval(look, LOOK_MS);
    addEventListener("visibilitychange", look);
    return () => (clearInterval(timer), removeEventListener("visibilitychange", look));
  }, []);
  const asked = Number(one("v"));
  const from = asked || answered.value;
  if (!versioned() || !from || from >= newest.value) return null;
  const renew = () => (asked ? change({ v: null }) : location.reload());
  return html`<p class="warning stale" role="status">answered from version ${from}; newest is ${newest.value} <button onClick=${renew}>ask the newest</button></p>`;
}

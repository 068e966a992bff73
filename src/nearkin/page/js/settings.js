// What this browser was told about the page; kept between visits where the browser lets it.
import { signal } from "./html.js";

const LETTERS = "nearkin-letters";

function kept(name) {
  try {
    return localStorage.getItem(name);
  } catch {
    return null;
  }
}

/** Whether single letters do something; those who speak to their computer, or press keys by mistake, can do without. */
export const letters = signal(kept(LETTERS) !== "off");

export function useLetters(on) {
  letters.value = on;
  try {
    localStorage.setItem(LETTERS, on ? "on" : "off");
  } catch {
    // it then holds for this visit
  }
}

import { html, useEffect, useRef } from "../html.js";

/** A window over the page; Esc, or its button, closes it. */
export function Dialog({ title, close, children }) {
  const box = useRef(null);
  useEffect(() => void box.current.showModal(), []);
  return html`<dialog ref=${box} aria-label=${title} onClose=${close}>
    <form method="dialog"><h2>${title}</h2> <button aria-label="close">×</button></form>
    ${children}
  </dialog>`;
}

import { copyOf } from "../copy.js";
import { html, useRef, useState } from "../html.js";

/** A text to take along. */
export function Copied({ text, label = "text" }) {
  const [said, say] = useState("");
  const box = useRef(null);
  const copy = async () => say((await copyOf(box.current)) ? "copied" : "selected; copy it with Ctrl+C");
  return html`<div class="copied">
    <pre ref=${box} tabindex="0" role="region" aria-label=${label}>${text}</pre>
    <button onClick=${copy}>copy</button> <small role="status">${said}</small>
  </div>`;
}

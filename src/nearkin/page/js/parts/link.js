import { answered } from "../api.js";
import { copyOf } from "../copy.js";
import { html, useEffect, useRef, useState } from "../html.js";
import { here, one, written } from "../place.js";
import { versioned } from "./stale.js";

/** The address of what is shown, with the version that answered, so that who follows it sees whether the answer has changed since. */
function permalink() {
  const { path, query } = here.value;
  const version = one("v") || (versioned() && answered.value ? String(answered.value) : "");
  return new URL(written({ path, query: version ? { ...query, v: [version] } : query }), document.baseURI).href;
}

/** Copies the address; where the browser does not let it, the address stands there selected. */
export function CopyLink() {
  const [link, make] = useState("");
  const [said, say] = useState("");
  const box = useRef(null);
  useEffect(() => make(""), [here.value]);
  useEffect(() => {
    if (link) copyOf(box.current).then((done) => say(done ? "copied" : "selected; copy it with Ctrl+C"));
  }, [link]);
  return html`<button onClick=${() => (say(""), make(permalink()))}>copy link</button>
    ${link && html`<span class="link"><output ref=${box}>${link}</output> <small role="status">${said}</small></span>`}`;
}

// The one door to what is vendored, so that its path stands in one place.
export { computed, html, render, signal, useEffect, useRef, useState } from "../vendor/preact.mjs";

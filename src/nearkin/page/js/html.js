// The one door to what is vendored, so that its path stands in one place.
export { html, render, useEffect, useRef, useState, useMemo, signal, computed, effect, batch } from "../vendor/preact.mjs";

import { locked } from "./api.js";
import { html, render, useEffect, useState } from "./html.js";
import { listen } from "./keys.js";
import { Console } from "./parts/console.js";
import { Help } from "./parts/help.js";
import { basket } from "./parts/history.js";
import { CopyLink } from "./parts/link.js";
import { Stale } from "./parts/stale.js";
import { Empty, KeyForm, Loading, Trouble } from "./parts/states.js";
import { here } from "./place.js";
import { info, load, trouble } from "./shop.js";
import { Compare } from "./views/compare.js";
import { Item } from "./views/item.js";
import { Next } from "./views/next.js";
import { Search } from "./views/search.js";

const VIEWS = { "": Search, next: Next, compare: Compare };
const NAMES = { "./": "search", next: "next", compare: "compare", match: "match", map: "map", eval: "eval", papers: "papers", admin: "admin" };

/** A part that fails says so in its place; the rest of the page stays. */
function Guarded({ children }) {
  const [error, fail] = useState(null);
  useEffect(() => {
    const told = (event) => fail(event.reason ?? event.error);
    addEventListener("unhandledrejection", told);
    return () => removeEventListener("unhandledrejection", told);
  }, []);
  return error ? html`<main><${Trouble} error=${error} again=${() => fail(null)} /></main>` : children;
}

/** What few look at is only fetched by those who do. */
function Later({ path, name }) {
  const [shown, show] = useState({});
  useEffect(() => void import(path).then((module) => show({ path, View: module[name] })), [path]);
  return shown.path === path ? html`<${shown.View} />` : html`<${Loading} />`; // not the view before at the new address
}

function view() {
  const { path } = here.value;
  if (path.startsWith("item/")) return html`<${Item} id=${decodeURIComponent(path.slice(5))} />`;
  if (path.split("/")[0] === "eval") return html`<${Later} path="./views/eval.js" name="Evaluation" />`;
  if (path.split("/")[0] === "match") return html`<${Later} path="./views/match.js" name="Match" />`;
  if (path === "map") return html`<${Later} path="./views/map.js" name="Map" />`;
  if (path.split("/")[0] === "papers") return html`<${Later} path="./views/papers.js" name="Papers" />`;
  if (path === "admin") return html`<${Later} path="./views/admin.js" name="Admin" />`;
  const View = VIEWS[path];
  return View ? html`<${View} />` : html`<main><${Empty}>There is no page here. <a href="./">Search</a></${Empty}></main>`;
}

function Page() {
  useEffect(() => void load(), []);
  const [opened, open] = useState(null);
  useEffect(() => listen(() => open("help")), []);
  if (locked.value) return html`<${KeyForm} done=${load} />`;
  return html`<header>
      <a class="name" href="./">nearkin</a>
      <nav aria-label="views">
        ${Object.entries(NAMES).map(([path, name]) => html`<a key=${path} href=${path} aria-current=${here.value.path.split("/")[0] === path.replace("./", "") ? "page" : undefined}>${name}${name === "next" && basket.value.length ? ` (${basket.value.length})` : ""}</a>`)}
      </nav>
      <span class="tools">
        <${CopyLink} />
        <button aria-label="the request behind this page" onClick=${() => open("console")}>${"</>"}</button>
        <button aria-label="keys and settings" onClick=${() => open("help")}>?</button>
      </span>
      <small>${info.value ? `${info.value.things.toLocaleString()} things` : ""}</small>
    </header>
    <${Stale} />
    ${trouble.value ? html`<main><${Trouble} error=${trouble.value} again=${load} /></main>` : html`<${Guarded}>${view()}</${Guarded}>`}
    ${opened === "console" && html`<${Console} close=${() => open(null)} />`}
    ${opened === "help" && html`<${Help} close=${() => open(null)} />`}`;
}

render(html`<${Page} />`, document.getElementById("page"));

// The frame around the pages: who is signed in, which page is shown, theme.

import { getJson } from "./api.js";
import { h } from "./parts/dom.js";
import { dropFaces } from "./parts/faces.js";
import { clear, failed } from "./parts/notice.js";
import { session } from "./session.js";
import { signIn } from "./pages/signin.js";

// Title, the operation that a key must allow, and where the page comes from.
const PAGES = {
  "/": ["People", "subjects", () => import("./pages/people.js")],
  "/find": ["Find", "identify", () => import("./pages/find.js")],
  "/compare": ["Compare", "compare", () => import("./pages/compare.js")],
  "/add": ["Add", "enrol", () => import("./pages/add.js")],
  "/review": ["Review", "correct", () => import("./pages/review.js")],
  "/trust": ["Trust", "models", () => import("./pages/trust.js")],
};

const id = (name) => document.getElementById(name);
let shown = ""; // path of the page
let leaving = null; // ends what the page that is left still does

/** Show the page of the address; a page gives elements, and gets a signal that says when it is left. */
async function show({ focus = true } = {}) {
  leaving?.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  if (shown !== location.pathname) clear(); // what was done on a page may still be undone on it
  shown = location.pathname;
  const [title, , load] = PAGES[location.pathname] ?? PAGES["/"];
  document.title = session.facts ? `${title} · mien` : "Sign in · mien";
  for (const link of document.querySelectorAll("nav a")) {
    if (new URL(link.href).pathname === location.pathname) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  try {
    const content = session.facts ? await (await load()).render({ signal, go }) : signIn(entered);
    if (signal.aborted) return;
    id("page").replaceChildren(...[content].flat());
    if (focus) (id("page").querySelector("[autofocus]") ?? id("page")).focus({ preventScroll: true });
    scrollTo(0, 0);
  } catch (error) {
    if (signal.aborted) return;
    id("page").replaceChildren(h("h1", null, title), h("p", { class: "empty" }, error.message));
    failed(error);
  }
}

/** Go to an address of ours. */
export function go(address) {
  history.pushState(null, "", address);
  return show();
}

const allowed = (path) => session.may((PAGES[path] ?? PAGES["/"])[1]);

/** A key was found to be good: which galleries does it open? */
async function entered() {
  const { galleries } = await getJson("/v1/galleries");
  if (!galleries.some((each) => each.name === session.gallery)) session.choose(galleries[0]?.name ?? "");
  id("gallery").replaceChildren(...galleries.map(({ name }) => h("option", { value: name }, name)));
  id("gallery").value = session.gallery;
  id("gallery-label").hidden = galleries.length < 2;
  for (const link of document.querySelectorAll("nav a")) link.hidden = !allowed(new URL(link.href).pathname);
  id("nav").hidden = id("leave").hidden = false;
  await (allowed(location.pathname) ? show() : go("/trust"));
}

function leave(problem) {
  dropFaces();
  session.leave();
  id("nav").hidden = id("leave").hidden = id("gallery-label").hidden = true;
  show().then(() => problem && failed(problem));
}

// ---- theme

const dark = matchMedia("(prefers-color-scheme: dark)");
const isDark = () => (document.documentElement.dataset.theme ?? (dark.matches ? "dark" : "light")) === "dark";
const tellTheme = () => { id("theme").textContent = isDark() ? "Light" : "Dark"; id("theme").setAttribute("aria-label", isDark() ? "Light theme" : "Dark theme"); };
id("theme").addEventListener("click", () => {
  const next = isDark() ? "light" : "dark";
  localStorage.setItem("mien-theme", next);
  document.documentElement.dataset.theme = next;
  tellTheme();
});
dark.addEventListener("change", tellTheme);
tellTheme();

// ---- start

document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-page]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(link.getAttribute("href")).catch(failed);
});
addEventListener("popstate", () => show().catch(failed));
addEventListener("mien:refused", (event) => session.facts && leave(event.detail));
id("leave").addEventListener("click", () => leave());
id("gallery").addEventListener("change", (event) => {
  session.choose(event.target.value);
  go(location.pathname).catch(failed);
});

async function start() {
  if (session.key) {
    try {
      session.enter(session.key, await getJson("/v1/key"));
      return await entered();
    } catch (error) {
      failed(error);
    }
  }
  return show({ focus: false });
}

start().catch(failed);

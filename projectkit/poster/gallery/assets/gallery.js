// The wall: pan, zoom and search over what the page says without this script. Loads nothing, and writes text as text only.
(() => {
"use strict";
const byId = (name) => document.getElementById(name);
const body = document.body, view = byId("view"), wall = byId("posters"), query = byId("query"), found = byId("found");
const WIDTH = 340, TALLEST = 480, BELOW = 110, GAP = 40; // a poster's place on the wall, its caption, as in gallery.css
const MARGIN = 24; // around the wall, in pixels of the screen
const CLOSEST = 6; // a small picture is as wide as its place: six times that is more than the large one has
const STILL = 6; // pixels that a finger may tremble in a click

const posters = JSON.parse(byId("index").textContent).map((row, order) => {
  const fields = Object.fromEntries(Object.entries(row).map(([name, words]) => [name, plain(words)]));
  return { order, fields, words: row.text, card: wall.children[order], image: wall.children[order].querySelector("img") };
});
const tallest = Math.max(...posters.map(({ image }) => Math.min(TALLEST, (WIDTH * image.getAttribute("height")) / image.getAttribute("width"))));
const HEIGHT = tallest + BELOW; // a wall of wide posters has lower rows
wall.style.setProperty("--tallest", `${tallest}px`);

// ---- search ----

const WORTH = { number: 12, title: 8, tags: 6, people: 6, text: 1 };

function plain(words) {
  return words.normalize("NFKD").replace(/\p{M}/gu, "").toLowerCase().replaceAll("ß", "ss");
}

function worth(poster, words) {
  let sum = 0;
  for (const word of words) {
    const hits = Object.keys(WORTH).filter((name) => (name === "number" ? poster.fields.number === word : poster.fields[name].includes(word)));
    if (!hits.length) return 0;
    sum += Math.max(...hits.map((name) => WORTH[name]));
  }
  return sum;
}

function search() {
  const words = plain(query.value).split(/\s+/).filter(Boolean);
  const ranked = posters.map((poster) => [words.length ? worth(poster, words) : 1, poster]);
  ranked.sort(([one, first], [other, second]) => other - one || first.order - second.order);
  for (const [value, poster] of ranked) {
    poster.card.hidden = value === 0;
    wall.append(poster.card);
    snippet(poster, value ? words : []);
  }
  const count = ranked.filter(([value]) => value).length, all = posters.length;
  const some = words.length ? `${count} of ${all} posters` : `${all} poster${all === 1 ? "" : "s"}`;
  found.textContent = count ? some : `No poster has “${query.value.trim()}”`;
  if (panning()) seeAll(false);
}

/** The place in a poster's text where the words were found, where its card does not show them already. */
function snippet(poster, words) {
  poster.card.querySelector(".snippet")?.remove();
  const { title, people, tags, text, number } = poster.fields;
  const word = words.find((each) => number !== each && ![title, people, tags].some((field) => field.includes(each)));
  if (!word) return;
  // the index of the plain text is that of the text unless letters were taken apart: then the piece begins a little off
  const at = poster.words.toLowerCase().indexOf(word);
  const start = at >= 0 ? at : text.indexOf(word);
  if (start < 0) return;
  const line = document.createElement("p"), mark = document.createElement("mark");
  line.className = "snippet";
  const end = start + word.length;
  if (at >= 0) mark.textContent = poster.words.slice(start, end);
  const before = poster.words.slice(Math.max(0, start - 60), start).replace(start > 60 ? /^\S*\s/ : /^/, "");
  const after = poster.words.slice(at >= 0 ? end : start, end + 80).replace(/\s\S*$/, "");
  line.append("… ", before, mark, after, " …");
  poster.card.querySelector("a").after(line);
}

// ---- pan and zoom ----

let x = 0, y = 0, scale = 1, fitting = 1, settling = 0;

const panning = () => body.classList.contains("panning");
const shown = () => posters.filter((poster) => !poster.card.hidden);
const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
const size = () => ({ width: wall.offsetWidth, height: wall.offsetHeight });

function apply(gliding) {
  const { width, height } = size(), { clientWidth, clientHeight } = view;
  x = clamp(x, clientWidth / 2 - width * scale, clientWidth / 2);
  y = clamp(y, clientHeight / 2 - height * scale, clientHeight / 2);
  wall.classList.toggle("gliding", gliding);
  wall.style.transform = `translate(${x}px, ${y}px) scale(${scale})`;
  clearTimeout(settling);
  settling = setTimeout(sharpen, gliding ? 350 : 120);
}

/** The large picture where a poster is seen larger than its small one, and only there: a hundred of them would fill the memory. */
function sharpen() {
  const { clientWidth, clientHeight } = view;
  for (const { card, image } of posters) {
    image.dataset.small ??= image.getAttribute("src");
    const left = x + card.offsetLeft * scale, top = y + card.offsetTop * scale;
    const seen = !card.hidden && left < clientWidth && top < clientHeight && left + WIDTH * scale > 0 && top + HEIGHT * scale > 0;
    const large = panning() && seen && scale * devicePixelRatio > 1.2;
    const wanted = large ? image.dataset.large : image.dataset.small;
    if (image.getAttribute("src") !== wanted) image.setAttribute("src", wanted);
    image.dataset.set ??= image.getAttribute("srcset"); // the browser's own choice, which knows nothing of the zoom
    if (panning()) image.removeAttribute("srcset");
    else if (!image.hasAttribute("srcset")) image.setAttribute("srcset", image.dataset.set);
  }
}

/** Zoom so that what lies under a point of the view stays there. */
function zoom(factor, atX = view.clientWidth / 2, atY = view.clientHeight / 2, gliding = false) {
  const next = clamp(scale * factor, Math.min(fitting, 1) * 0.8, CLOSEST);
  x = atX - ((atX - x) * next) / scale;
  y = atY - ((atY - y) * next) / scale;
  scale = next;
  apply(gliding);
}

function seeAll(gliding) {
  const count = Math.max(1, shown().length);
  const width = Math.max(1, view.clientWidth - 2 * MARGIN), height = Math.max(1, view.clientHeight - 2 * MARGIN);
  const fit = (columns) => Math.min(width / (columns * (WIDTH + GAP) - GAP), height / (Math.ceil(count / columns) * (HEIGHT + GAP) - GAP));
  let columns = 1;
  for (let tried = 2; tried <= count; tried += 1) if (fit(tried) > fit(columns)) columns = tried;
  wall.style.setProperty("--columns", String(columns));
  scale = fitting = Math.min(fit(columns), CLOSEST);
  const whole = size();
  x = (view.clientWidth - whole.width * scale) / 2;
  y = (view.clientHeight - whole.height * scale) / 2;
  apply(gliding);
}

/** Bring a poster into view; nearer where it would be too small to be seen. */
function show(card, nearer) {
  const least = nearer ? Math.min((view.clientHeight - 2 * MARGIN) / HEIGHT, (view.clientWidth - 2 * MARGIN) / WIDTH) : 0;
  scale = Math.max(scale, least);
  x = view.clientWidth / 2 - (card.offsetLeft + WIDTH / 2) * scale;
  y = view.clientHeight / 2 - (card.offsetTop + HEIGHT / 2) * scale;
  apply(true);
}

function isSeen(card) {
  const left = x + card.offsetLeft * scale, top = y + card.offsetTop * scale;
  return left >= 0 && top >= 0 && left + WIDTH * scale <= view.clientWidth && top + HEIGHT * scale <= view.clientHeight;
}

function choose(pan) {
  body.classList.toggle("panning", pan);
  byId("as-wall").setAttribute("aria-pressed", String(pan));
  byId("as-list").setAttribute("aria-pressed", String(!pan));
  byId("zoom").hidden = byId("help").hidden = !pan;
  if (pan) {
    view.tabIndex = 0;
    view.setAttribute("role", "region");
    view.setAttribute("aria-label", "Wall of posters");
    view.setAttribute("aria-describedby", "help");
    window.scrollTo(0, 0);
    seeAll(false);
  } else {
    for (const name of ["tabindex", "role", "aria-label", "aria-describedby"]) view.removeAttribute(name);
    wall.style.transform = "";
    sharpen();
  }
}

// ---- mouse, finger, keys ----

const fingers = new Map();
let moved = 0, held = null;

const middle = () => {
  const points = [...fingers.values()];
  const centre = { x: points.reduce((sum, one) => sum + one.x, 0) / points.length, y: points.reduce((sum, one) => sum + one.y, 0) / points.length };
  return { ...centre, spread: points.length > 1 ? Math.hypot(points[0].x - points[1].x, points[0].y - points[1].y) : 0 };
};
const at = (event) => {
  const box = view.getBoundingClientRect();
  return { x: event.clientX - box.left, y: event.clientY - box.top };
};

view.addEventListener("pointerdown", (event) => {
  if (!panning() || event.button !== 0) return;
  if (!fingers.size) moved = 0;
  fingers.set(event.pointerId, at(event));
  held = middle();
});
window.addEventListener("pointermove", (event) => {
  if (!fingers.has(event.pointerId)) return;
  fingers.set(event.pointerId, at(event));
  const next = middle();
  moved += Math.hypot(next.x - held.x, next.y - held.y);
  if (moved > STILL || fingers.size > 1) {
    view.classList.add("held");
    x += next.x - held.x;
    y += next.y - held.y;
    if (held.spread && next.spread) {
      moved = STILL + 1;
      zoom(next.spread / held.spread, next.x, next.y);
    } else apply(false);
  }
  held = next;
});
for (const kind of ["pointerup", "pointercancel"]) {
  window.addEventListener(kind, (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (fingers.size) held = middle();
    else view.classList.remove("held");
  });
}
view.addEventListener("click", (event) => {
  if (panning() && moved > STILL) event.preventDefault(); // the end of a drag
}, true);
view.addEventListener("dragstart", (event) => panning() && event.preventDefault());
view.addEventListener("wheel", (event) => {
  if (!panning()) return;
  event.preventDefault();
  const point = at(event), lines = event.deltaMode === 1 ? 16 : 1;
  zoom(Math.exp(clamp(-event.deltaY * lines, -240, 240) / 400), point.x, point.y);
}, { passive: false });
view.addEventListener("scroll", () => view.scrollTo(0, 0)); // a browser scrolls to what has the focus; we move the wall
wall.addEventListener("focusin", (event) => {
  const card = event.target.closest("#posters > li");
  if (panning() && card && event.target.matches(":focus-visible") && !isSeen(card)) show(card, false);
});

const STEP = 0.2; // of the view, with an arrow key
const KEYS = {
  ArrowLeft: () => { x += view.clientWidth * STEP; apply(true); },
  ArrowRight: () => { x -= view.clientWidth * STEP; apply(true); },
  ArrowUp: () => { y += view.clientHeight * STEP; apply(true); },
  ArrowDown: () => { y -= view.clientHeight * STEP; apply(true); },
  "+": () => zoom(1.4, undefined, undefined, true),
  "=": () => zoom(1.4, undefined, undefined, true), // the same key without shift
  "-": () => zoom(1 / 1.4, undefined, undefined, true),
  0: () => seeAll(true),
};
document.addEventListener("keydown", (event) => {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.target === query) {
    if (event.key === "Escape") { query.value = ""; search(); remember(); }
    if (event.key === "Enter") shown()[0] && wall.querySelector("li:not([hidden]) > a").focus();
    return;
  }
  if (event.key === "/") {
    event.preventDefault();
    query.focus();
  } else if (panning() && KEYS[event.key] && (event.target === body || view.contains(event.target))) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

// ---- what the address says: #q=words, or a poster's name ----

function remember() {
  const hash = query.value.trim() ? `#q=${encodeURIComponent(query.value.trim())}` : "";
  if (location.hash !== hash) history.replaceState(null, "", hash || location.pathname + location.search);
}

function follow() {
  let hash = location.hash.slice(1);
  if (hash.startsWith("q=")) {
    try { hash = decodeURIComponent(hash.slice(2)); } catch { hash = ""; }
    if (hash !== query.value.trim()) { query.value = hash; search(); }
    return;
  }
  const card = posters.find((poster) => poster.card.querySelector("a").id === hash)?.card;
  if (card && panning()) show(card, true);
}

query.addEventListener("input", () => { search(); remember(); });
byId("as-wall").addEventListener("click", () => choose(true));
byId("as-list").addEventListener("click", () => choose(false));
byId("in").addEventListener("click", () => zoom(1.4, undefined, undefined, true));
byId("out").addEventListener("click", () => zoom(1 / 1.4, undefined, undefined, true));
byId("all").addEventListener("click", () => seeAll(true));
window.addEventListener("resize", () => panning() && seeAll(false));
window.addEventListener("hashchange", follow);
byId("tools").hidden = false;
choose(window.innerWidth >= 700); // on a phone the list is easier to read
if (query.value) search(); // a browser that went back fills the field again
follow();
})();

// The page: takes a document, shows it, and looks for a newer one while a run goes on. What did not change is not touched, so that
// open parts, the focus and a selection stay.

const EVERY_MS = 2000, FORGOTTEN_S = 30;
const nonce = document.currentScript?.nonce ?? ""; // for the scripts that bring newer documents
const main = document.getElementById("main"), head = document.getElementById("head"), contents = document.getElementById("contents");
const said = document.getElementById("said");
const shown = new Map(); // section -> what it was made from
let latest = null, panels = null, asked = 0;

const say = (text) => { said.textContent = text; };

function receive(text) {
  const before = latest;
  latest = JSON.parse(text);
  document.getElementById("waiting")?.remove();
  show();
  if (before) latest.runs.forEach((run, index) => {
    const was = before.runs[index]?.status;
    if (was && was !== run.status) say(`${run.name} is ${run.status}`);
  });
  if (latest.live && asked === 0) ask();
}

// Fetch is refused on file://, a script is not.
function ask() {
  asked += 1;
  setTimeout(() => {
    if (document.hidden) return ask();
    const script = document.createElement("script");
    script.nonce = nonce;
    script.src = `data.js?${asked}`;
    script.onload = script.onerror = () => {
      script.remove();
      if (latest.live) ask();
    };
    document.head.append(script);
  }, EVERY_MS);
}

function show() {
  const { runs } = latest, several = runs.length > 1, run = runs[0];
  part(head, "head", [several, runs.map((each) => [each.name, each.id, each.status, each.kind, stepOf(each), each.planned])], () => headOf(runs));
  tellAge();
  section("notices", null, runs.map(noticed), () => runs.flatMap((each, index) => {
    const failed = ["failed", "interrupted"].includes(each.status) || each.problems.length;
    if (several) return failed ? [element("p", {}, [element("strong", {}, [bdi(runLabel(runs, index))])]), ...noticeOf(each)] : [];
    return noticeOf(each);
  }));
  if (several) section("compare", "Comparison", [runs.map((each) => [each.status, each.best, each.durations, stepOf(each)]), latest.compared],
    () => comparisonOf(runs, latest.compared));
  else section("summary", "Summary", summarised(run), () => [summaryOf(run)]);
  section("curves", "Curves", "once", () => []);
  panels ??= new Panels(document.getElementById("curves"), say);
  panels.update(runs);
  const entries = runs.flatMap((each, index) => each.evaluations.map((evaluation) => ({
    ...evaluation, label: several ? `${evaluation.subset}, ${runLabel(runs, index)}` : evaluation.subset,
  })));
  const subsets = [...new Set(entries.map((entry) => entry.subset))];
  entries.sort((one, two) => subsets.indexOf(one.subset) - subsets.indexOf(two.subset)); // what is to be compared stands side by side
  section("evaluation", "Evaluation", entries, () => entries.length
    ? [evaluationOf(entries), element("p", { class: "faint" }, ["Intervals are 95%; those of a row are drawn on one scale."])]
    : [element("p", { class: "faint" }, ["Not evaluated yet."])]);
  runs.forEach((each, index) => details(each, several ? index : null));
  const named = [...main.children].filter((node) => !node.hidden && node.querySelector("h2"));
  part(contents, "contents", named.map((node) => node.id), () => named.map((node) =>
    element("a", { href: `#${node.id}` }, [node.querySelector("h2").textContent])));
}

const noticed = (run) => [run.next, run.message, run.problems, run.status, run.events.filter((event) => event.message)];
const summarised = (run) => [run.best, run.planned, run.durations, run.status, run.tags, run.notes, stepOf(run)];

// The sections of one run; of several, folded together below the run's name.
function details(run, index) {
  const several = index !== null, end = several ? `-${index}` : "";
  const host = several ? section(`run${end}`, runLabel(latest.runs, index), null, () => [], { folded: true }) : main;
  const one = (id, title, source, build, there = true) => section(id + end, title, source, build, { there, host });
  if (several) one("summary", "Summary", [summarised(run), noticed(run)], () => [...noticeOf(run), summaryOf(run)]);
  one("figures", "Figures", run.figures, () => [figuresOf(run)], run.figures.length > 0);
  one("audit", "Audit", run.audit, () => [auditOf(run)], run.audit.length > 0);
  one("config", "Config", run.config, () => [element("pre", { tabindex: 0 }, [bdi(run.config)])], run.config !== "");
  one("time", "Time", run.durations, () => timeOf(run), run.durations.length > 0);
  one("history", "History", [run.events, run.status === "running" && latest.written], () => [lineOf(run, latest.written), ...historyOf(run)]);
  one("provenance", "Provenance", [run.git, run.versions, run.hardware, run.process, run.diff], () => provenanceOf(run));
}

// A part of the page with a heading, made where it is not there yet; its own part for content is given back.
function section(id, title, source, build, { there = true, folded = false, host = main } = {}) {
  let node = document.getElementById(id);
  if (node === null) {
    const heading = title === null ? null : element(host === main ? "h2" : "h3", { id: `${id}-name` }, [bdi(title)]);
    const body = element("div", { class: "body" });
    node = folded
      ? element("details", { class: "section", id }, [element("summary", {}, [heading]), body])
      : element("section", { class: "section", id, ...(title === null ? {} : { "aria-labelledby": `${id}-name` }) }, [heading, body]);
    host.append(node);
  }
  node.hidden = !there;
  const body = node.querySelector(".body");
  if (there) part(body, id, source, build);
  return body;
}

function part(host, id, source, build) {
  const key = JSON.stringify(source);
  if (shown.get(id) === key) return;
  shown.set(id, key);
  const open = [...host.querySelectorAll("details")].map((each) => each.open);
  const scrolled = [...host.querySelectorAll(".scroll")].map((each) => each.scrollTop);
  host.replaceChildren(...build().filter((child) => child !== null));
  host.querySelectorAll("details").forEach((each, index) => { each.open = open[index] ?? each.open; });
  host.querySelectorAll(".scroll").forEach((each, index) => { each.scrollTop = scrolled[index] ?? 0; });
}

function headOf(runs) {
  const run = runs[0], several = runs.length > 1;
  const title = several ? `${runs.length} runs` : run.name;
  const percent = !several && run.status === "running" && run.planned ? Math.min(100, Math.floor((100 * stepOf(run)) / run.planned)) : null;
  document.title = percent === null ? `${title} · ${several ? "overlaid" : run.status}` : `${percent}% ${title}`;
  const parts = [element("h1", {}, [bdi(title)])];
  if (several) return [...parts, element("p", { class: "state" }, [faint(runs.map((each, index) => runLabel(runs, index)).join(", "))]), age()];
  const told = run.status === "running"
    ? run.planned ? `step ${formatNumber(stepOf(run))} of ${formatNumber(run.planned)}` : `step ${formatNumber(stepOf(run))}`
    : "";
  parts.push(element("p", { class: "state" }, [pill(run.status), told ? element("span", { id: "progress" }, [told]) : null, run.kind === "train" ? null : faint(run.kind), code(run.id)]));
  if (percent !== null) parts.push(element("progress", { max: 100, value: percent, "aria-label": "Steps done" }));
  return [...parts, age()];
}

const age = () => element("p", { id: "age", class: "faint" });

// How old the data is, told each second: a page that nobody writes any more must not look alive.
function tellAge() {
  const node = document.getElementById("age");
  if (!latest || !node) return;
  const seconds = Math.max(0, Math.round(Date.now() / 1000 - latest.written));
  const going = latest.runs.some((run) => run.status === "running");
  const at = formatTime(latest.written * 1000);
  const forgotten = going && (!latest.live || seconds > FORGOTTEN_S);
  const text = !going ? `as of ${at}`
    : forgotten ? `as of ${at}, not kept up to date: type projectkit runs open ${latest.runs.map((run) => run.id).join(" ")}`
      : `live, data from ${seconds} s ago`;
  if (node.textContent !== text) node.textContent = text;
  node.classList.toggle("late", forgotten);
}
setInterval(tellAge, 1000);

// A link to a folded run unfolds it.
contents.addEventListener("click", (event) => {
  const target = event.target.hash ? document.getElementById(event.target.hash.slice(1)) : null;
  if (target instanceof HTMLDetailsElement) target.open = true;
});

window.addEventListener("beforeprint", () => document.querySelectorAll("details").forEach((each) => { each.open = true; }));
setTimeout(() => {
  if (latest === null) document.getElementById("waiting").textContent =
    "data.js is missing beside this file. Write one file that can be sent with: projectkit runs open RUN --output FILE.html";
}, 3000);

// The sections beside the curves, from the document's plain values. Everything becomes text nodes: nothing of a run is ever markup.

const STATUS = {
  running: ["●", "running"], finished: ["✓", "finished"], failed: ["✕", "failed"], interrupted: ["‖", "interrupted"], unreadable: ["?", "unreadable"],
};
const TONES = {
  finished: "good", running: "busy", failed: "bad", interrupted: "warn", unreadable: "bad",
  ok: "good", absent: "good", note: "busy", warning: "warn", error: "bad", present: "bad", partly: "warn", likely: "warn",
};

const bdi = (text) => element("bdi", {}, [String(text)]);
const faint = (text) => element("span", { class: "faint" }, [text]);
const code = (text) => element("code", {}, [String(text)]);

function pill(status) {
  const [icon, word] = STATUS[status] ?? ["", status];
  return element("span", { class: `pill ${TONES[status] ?? ""}` }, [icon ? element("span", { "aria-hidden": "true" }, [`${icon} `]) : null, bdi(word)]);
}

function table(caption, columns, rows, classes = "") {
  const head = element("tr", {}, columns.map((name) => element("th", { scope: "col" }, [name])));
  const body = rows.map((row) => element("tr", {}, row.map((cell, i) => {
    const content = cell instanceof Node ? cell : typeof cell === "number" ? formatNumber(cell) : bdi(cell ?? "–");
    const kind = typeof cell === "number" ? "number" : "";
    return i === 0 ? element("th", { scope: "row" }, [content]) : element("td", { class: kind }, [content]);
  })));
  return element("div", { class: `scroll ${classes}`, tabindex: 0, role: "region", "aria-label": caption }, [
    element("table", {}, [element("caption", { class: "unseen" }, [caption]), element("thead", {}, [head]), element("tbody", {}, body)]),
  ]);
}

function facts(pairs) {
  const shown = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
  return element("dl", {}, shown.map(([name, value]) => element("div", {}, [
    element("dt", {}, [name]),
    element("dd", {}, [value instanceof Node ? value : bdi(typeof value === "number" ? formatNumber(value) : value)]),
  ])));
}

// A value of the record as it stands there; counts are for formatNumber.
function plain(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) return value.map(plain).join(", ");
  if (typeof value === "object") return Object.entries(value).map(([name, each]) => `${name} ${plain(each)}`).join(", ");
  return typeof value === "number" && !Number.isInteger(value) ? formatNumber(value) : String(value);
}

// A run that was stopped is further than its last line of metrics: its last checkpoint says how far.
const stepOf = (run) => Math.max(run.metrics.step, run.last.step ?? 0, ...run.events.map((event) => (event.event === "checkpointed" && Number(event.step)) || 0));
const secondsOf = (run) => run.durations.reduce((sum, [, seconds]) => sum + seconds, 0);

// What is said above everything: errors, warnings, what to do next.
function noticeOf(run) {
  const warnings = [...new Set(run.events.filter((event) => event.event === "warned").map((event) => plain(event.message)))];
  const parts = [];
  if (run.next) {
    const ended = run.status !== "finished";
    const why = ended ? [element("strong", {}, [bdi(run.reason ?? run.status)]), run.ending ? `: ${run.ending}. ` : ". "] : [];
    parts.push(note(ended ? TONES[run.status] : "", [...why, "Next: ", ...typed(run.next)], ended && run.message ? plain(run.message) : ""));
  }
  for (const text of warnings.slice(-5)) parts.push(note("warn", [element("strong", {}, ["warning: "]), bdi(text)]));
  for (const text of run.problems) parts.push(note("bad", [element("strong", {}, ["cannot be shown: "]), bdi(text)]));
  return parts;
}

// What stands between backticks is to be typed.
const typed = (text) => text.split("`").map((piece, index) => (index % 2 ? code(piece) : bdi(piece)));

function note(tone, children, more) {
  return element("div", { class: `note ${tone ?? ""}` }, [element("p", {}, children), more ? element("p", { class: "message" }, [bdi(more)]) : null]);
}

function summaryOf(run) {
  const metric = run.monitor.metric, size = run.data.samples ?? {};
  return facts([
    ["best", metric && run.best[metric] !== undefined ? `${metric} ${formatNumber(run.best[metric])} at step ${formatNumber(run.best.step)}` : null],
    ["steps", run.planned ? `${formatNumber(stepOf(run))} of ${formatNumber(run.planned)}` : stepOf(run) || null],
    ["time", run.durations.length ? formatDuration(secondsOf(run)) : null],
    ["data", [run.data.name ?? run.data.class_path, run.data.target, run.data.split].filter(Boolean).join(" · ")],
    ["samples", Object.entries(size).map(([name, count]) => `${name} ${formatNumber(count)}`).join(", ")],
    ["parameters", run.parameters],
    ["device", [run.resolved.device, run.resolved.precision].filter(Boolean).join(", ")],
    ["seed", run.seed],
    ["started", formatTime(run.created)],
    ["ended", run.ended ? formatTime(run.ended) : null],
    ["command", run.command ? code(run.command) : null],
    ["tags", run.tags.length ? element("span", { class: "tags" }, run.tags.map((tag) => element("span", { class: "tag" }, [bdi(plain(tag))]))) : null],
    ["notes", run.notes.length ? element("span", { class: "notes" }, run.notes.map((note) => element("p", {}, [bdi(note.text), " ", faint([note.by, formatTime(note.time)].filter(Boolean).join(", "))]))) : null],
    ["folder", code(run.path)],
  ]);
}

// Several runs side by side; below it the settings in which they differ.
function comparisonOf(runs, { unfair, settings }) {
  const names = runs.map((run, index) => runLabel(runs, index));
  const metric = runs[0].monitor.metric;
  const rows = [
    ["status", ...runs.map((run) => pill(run.status))],
    [`best ${metric ?? ""}`, ...runs.map((run) => run.best[run.monitor.metric] ?? null)],
    ["steps", ...runs.map(stepOf)],
    ["time", ...runs.map((run) => (run.durations.length ? formatDuration(secondsOf(run)) : null))],
    ["seed", ...runs.map((run) => run.seed)],
    ["parameters", ...runs.map((run) => run.parameters)],
    ["id", ...runs.map((run) => code(run.id))],
  ];
  const changed = settings.map(([key, ...values]) => [code(key), ...values.map((value) => bdi(value === null ? "–" : typeof value === "object" ? plain(value) : value))]);
  const why = unfair.length ? note("warn", [element("strong", {}, ["not comparable as they stand: "]), bdi(unfair.join("; "))]) : null;
  return [why, table("The runs", ["", ...names], rows), element("h3", {}, ["Settings that differ"]),
    changed.length ? table("Settings that differ", ["setting", ...names], changed, "long") : element("p", { class: "faint" }, ["None."])];
}

// One row a metric, one column an evaluation; the intervals of a row are drawn on one scale.
function evaluationOf(entries) {
  const names = [...new Set(entries.flatMap((entry) => Object.keys(entry.metrics)))];
  const rows = names.map((name) => {
    const cells = entries.map((entry) => entry.metrics[name]).map((cell) => (typeof cell === "object" ? cell : { value: cell }) ?? {});
    const ends = cells.flatMap((cell) => [cell.low ?? cell.value, cell.high ?? cell.value]).map(Number).filter(Number.isFinite);
    const [low, high] = extent(ends), room = (high - low) * 0.08 || Math.abs(high) * 0.05 || 0.05;
    return [name, ...cells.map((cell) => interval(cell, low - room, high + room))];
  });
  return table("Evaluation", ["metric", ...entries.map((entry) => `${entry.label}, n = ${formatNumber(entry.n)}`)], rows);
}

function interval(cell, low, high) {
  const value = Number(cell.value);
  if (cell.value === undefined || cell.value === null) return faint("–");
  const at = (number) => (3 + ((Number(number) - low) / (high - low)) * 94).toFixed(1);
  const bar = [svg("line", { class: "axis", x1: 0, x2: 100, y1: 8, y2: 8 })];
  const bounded = Number.isFinite(cell.low) && Number.isFinite(cell.high);
  if (bounded) bar.push(svg("line", { class: "interval", x1: at(cell.low), x2: at(cell.high), y1: 8, y2: 8 }));
  if (Number.isFinite(value)) bar.push(svg("circle", { class: "middle", cx: at(value), cy: 8, r: 3.5 }));
  return element("div", { class: "measured" }, [
    element("b", {}, [formatNumber(value)]),
    svg("svg", { viewBox: "0 0 100 16", width: 100, height: 16, "aria-hidden": "true" }, bar),
    faint(bounded ? `${formatNumber(Number(cell.low))} to ${formatNumber(Number(cell.high))}` : "no interval"),
  ]);
}

function figuresOf(run) {
  return element("div", { class: "figures" }, run.figures.map((figure) => element("figure", {}, [
    element("img", { src: figure.src, alt: `Figure ${figure.name}`, loading: "lazy" }), element("figcaption", {}, [bdi(figure.name)]),
  ])));
}

function auditOf(run) {
  const rows = run.audit.map((each) => [code(each.id), pill(plain(each.status)), plain(each.where), [each.message, each.advice].filter(Boolean).map(plain).join("; ")]);
  return table("Audit", ["pitfall", "status", "where", "what was found"], rows, "wide");
}

function timeOf(run) {
  const whole = secondsOf(run), shown = run.durations.filter(([, seconds]) => seconds / whole >= 0.005);
  const bar = element("div", { class: "shares", "aria-hidden": "true" }, shown.map(([, seconds], index) => {
    const piece = element("span");
    piece.style.flexGrow = seconds / whole;
    piece.style.background = `var(--c${index % COLOURS})`;
    return piece;
  }));
  const list = element("ul", { class: "sharing" }, shown.map(([name, seconds], index) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = `var(--c${index % COLOURS})`;
    return element("li", {}, [swatch, bdi(name), " ", faint(`${formatDuration(seconds)}, ${Math.round((100 * seconds) / whole)}%`)]);
  }));
  return [element("p", {}, [`${formatDuration(whole)} of training, all sessions together.`]), bar, list];
}

// When the run went on and when it did not: a bar a session, a mark a checkpoint and a warning.
function lineOf(run, written) {
  const times = run.events.map((event) => ({ ...event, at: Date.parse(event.time) })).filter((event) => Number.isFinite(event.at));
  if (times.length < 2) return null;
  const now = run.status === "running" ? written * 1000 : times[times.length - 1].at;
  const start = times[0].at, end = Math.max(now, times[times.length - 1].at), span = end - start || 1;
  const at = (time) => (((time - start) / span) * 100).toFixed(3);
  const parts = [];
  let from = start, before = start;
  const session = (to) => parts.push(svg("rect", { class: "session", x: `${at(from)}%`, width: `${Math.max(0.3, at(to) - at(from))}%`, y: 8, height: 12, rx: 2 }));
  for (const event of times) {
    if (event.event === "resumed") {
      session(before);
      from = event.at;
    }
    before = event.at;
  }
  session(run.status === "running" ? end : before);
  for (const event of times) {
    if (event.event === "checkpointed") parts.push(svg("line", { class: "checkpointed", x1: `${at(event.at)}%`, x2: `${at(event.at)}%`, y1: 8, y2: 20 }));
    if (event.event === "warned" || event.event === "failed") parts.push(svg("circle", { class: "warned", cx: `${at(event.at)}%`, cy: 14, r: 4 }));
  }
  const label = `From ${formatTime(run.events[0].time)}, ${formatDuration(span / 1000)}`;
  return element("div", { class: "timeline" }, [
    svg("svg", { width: "100%", height: 28, role: "img", "aria-label": label, overflow: "visible" }, parts),
    element("p", { class: "faint" }, [`${label}. Bars: sessions; marks: checkpoints; dots: warnings and errors.`]),
  ]);
}

function historyOf(run) {
  const left = run.events_count - run.events.length;
  const brief = (name, value) => (name === "sha256" ? String(value).slice(0, 12) : name === "command" && Array.isArray(value) ? value.join(" ") : value);
  const details = (rest) => Array.isArray(rest.changes) ? rest.changes.map((each) => plain(each.line) + (each.forced ? " (--force)" : "")).join("; ") : plain(Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, brief(name, value)])));
  const rows = run.events.map(({ time, event, ...rest }) => [formatTime(time), plain(event), details(rest)]);
  return [table("History", ["time", "event", "details"], rows.reverse(), "long"), left > 0 ? element("p", { class: "faint" }, [`${left} more in events.jsonl`]) : null];
}

function provenanceOf(run) {
  const git = run.git, parts = [facts([
    ["commit", git.commit ? code(git.commit) : git.reason ?? "no git"],
    ["changes", git.commit ? (git.dirty ? "not committed, see below" : "all committed") : null],
    ...Object.entries(run.versions).map(([name, version]) => [name, plain(version)]),
    ["lock", run.lock ? plain(run.lock) : null],
    ...Object.entries(run.hardware).map(([name, value]) => [name.replaceAll("_", " "), plain(value)]),
    ...Object.entries(run.memory).map(([name, value]) => [`memory, ${name.replaceAll("_", " ")}`, plain(value)]),
    ...Object.entries(run.data).filter(([name]) => name.endsWith("digest")).map(([name, value]) => [name.replaceAll("_", " "), code(value)]),
    ["process", plain(run.process)],
  ])];
  if (run.diff) parts.push(folded("Uncommitted changes", run.diff));
  return parts;
}

function folded(title, text) {
  return element("details", {}, [element("summary", {}, [title]), element("pre", { tabindex: 0 }, [bdi(text)])]);
}

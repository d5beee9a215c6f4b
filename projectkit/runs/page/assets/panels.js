// The curves of all runs: metrics that share their last name (train/loss, val/loss) share a chart; one toolbar for all charts.

const COLOURS = 7;
const DASHES = { train: "5 3", val: "", test: "1 3" };
const SUBSETS = ["train", "val", "test"];

// Slider positions to shares of the axis: fine at its start.
const smoothingOf = (position) => (position / 100) ** 2 * 0.25;

function element(tag, attributes = {}, children = []) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") node[name] = value;
    else node.setAttribute(name, value);
  }
  for (const child of children) if (child !== null) node.append(child);
  return node;
}

class Panels {
  constructor(host, say) {
    this.say = say;
    this.view = { x: "step", log: false, smoothing: 0, whole: [0, 1], range: null };
    this.hidden = new Set();
    this.panels = new Map();
    this.wanted = "";
    this.grid = element("div", { class: "panels" });
    this.nothing = element("p", { class: "faint" }, ["Nothing has been logged yet."]);
    this.runKeys = element("div", { class: "keys", role: "group", "aria-label": "Runs" });
    host.append(this.toolbar(), this.runKeys, this.nothing, this.grid);
    this.seen = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const panel = this.byNode.get(entry.target);
        panel.near = entry.isIntersecting;
        if (panel.near && panel.stale) this.drawPanel(panel);
      }
    }, { rootMargin: "400px" });
    this.byNode = new WeakMap();
    this.sized = new ResizeObserver(() => this.draw());
    this.sized.observe(this.grid);
    window.addEventListener("beforeprint", () => this.panels.forEach((panel) => this.drawPanel(panel)));
  }

  toolbar() {
    const axes = ["step", "epoch", "time"].map((name) => {
      const input = element("input", { type: "radio", name: "axis", value: name, checked: name === "step" });
      input.addEventListener("change", () => this.look({ x: name, range: null }));
      return element("label", {}, [input, element("span", {}, [name])]);
    });
    const log = element("input", { type: "checkbox", id: "log" });
    log.addEventListener("change", () => this.look({ log: log.checked }));
    const slider = element("input", { type: "range", id: "smoothing", min: 0, max: 100, value: 0 });
    const told = element("output", { for: "smoothing" }, ["off"]);
    slider.addEventListener("input", () => {
      const share = smoothingOf(Number(slider.value));
      told.textContent = share ? `${(share * 100).toFixed(share < 0.01 ? 2 : 1)}% of the axis` : "off";
      slider.setAttribute("aria-valuetext", told.textContent);
      this.look({ smoothing: share });
    });
    this.all = element("button", { type: "button", id: "all", disabled: true, onclick: () => this.look({ range: null }) }, ["Show all"]);
    this.filter = element("input", { type: "search", id: "filter", placeholder: "metric", "aria-label": "Only metrics whose name has", hidden: true });
    this.filter.addEventListener("input", () => {
      this.wanted = this.filter.value.toLowerCase();
      this.draw();
    });
    return element("form", { class: "toolbar", onsubmit: (event) => event.preventDefault() }, [
      element("fieldset", { class: "choice" }, [element("legend", { class: "unseen" }, ["Axis"]), ...axes]),
      element("label", { class: "check" }, [log, "log scale"]),
      element("label", { class: "slider" }, ["smoothing", slider, told]),
      this.all,
      this.filter,
    ]);
  }

  look(change) {
    Object.assign(this.view, change);
    this.all.disabled = this.view.range === null;
    if ("x" in change) this.prepare();
    this.draw();
  }

  update(runs) {
    this.runs = runs;
    this.prepare();
    this.drawRunKeys();
    this.draw();
  }

  // Charts from the runs' metrics; a chart that is there stays, with what is hidden in it.
  prepare() {
    const groups = new Map();
    this.runs.forEach((run, index) => {
      const epoch = epochScale(run.metrics.epochs, run.epoch_steps);
      for (const [name, curve] of Object.entries(run.metrics.curves)) {
        const cut = name.lastIndexOf("/"), group = name.slice(cut + 1), subset = name.slice(0, Math.max(0, cut));
        if (!groups.has(group)) groups.set(group, []);
        groups.get(group).push(this.line(run, index, subset, name, curve, epoch));
      }
    });
    const first = String(this.runs[0].monitor.metric ?? "").split("/").pop();
    const rank = (name) => [first, "loss"].indexOf(name) + 1 || 9;
    const names = [...groups.keys()].sort((one, two) => rank(one) - rank(two) || one.localeCompare(two));
    for (const name of names) {
      const panel = this.panels.get(name) ?? this.add(name);
      const order = (line) => (SUBSETS.indexOf(line.subset) + 1 || 9) + line.run * 10;
      panel.lines = groups.get(name).sort((one, two) => order(one) - order(two));
      if (this.runs.length > 1 && new Set(panel.lines.map((line) => line.subset)).size > 1) {
        for (const line of panel.lines) line.dash = DASHES[line.subset] ?? "8 3 2 3";
      }
    }
    for (const [name, panel] of this.panels) {
      if (groups.has(name)) continue;
      panel.node.remove();
      this.panels.delete(name);
    }
    names.forEach((name, place) => { // moved only where the order changed: moving would lose the focus
      const node = this.panels.get(name).node;
      if (this.grid.children[place] !== node) this.grid.insertBefore(node, this.grid.children[place] ?? null);
    });
    this.nothing.hidden = names.length > 0;
    this.filter.hidden = names.length < 9;
  }

  line(run, index, subset, name, curve, epoch) {
    const scale = { step: (columns) => toNumbers(columns.step), time: (columns) => toNumbers(columns.time),
      epoch: (columns) => Float64Array.from(columns.step, epoch) }[this.view.x];
    const points = (columns) => {
      const xs = scale(columns), ys = toNumbers(columns.value);
      if (xs.every((x, i) => i === 0 || xs[i - 1] <= x)) return { xs, ys };
      const order = [...xs.keys()].sort((one, two) => xs[one] - xs[two]); // a clock or a step that went back
      return { xs: Float64Array.from(order, (i) => xs[i]), ys: Float64Array.from(order, (i) => ys[i]) };
    };
    const several = this.runs.length > 1;
    const known = SUBSETS.indexOf(subset);
    const colour = several ? index : known >= 0 ? known : subset ? 3 + (hash(subset) % (COLOURS - 3)) : 0;
    return {
      key: `${index} ${name}`, run: index, subset, dash: "", ...points(curve), mean: curve.mean ? points(curve.mean) : null,
      label: several ? [runLabel(this.runs, index), subset].filter(Boolean).join(" · ") : name,
      colour: `var(--c${colour % COLOURS})`,
      best: name === run.monitor.metric ? curve.step.indexOf(run.best.step) : -1,
    };
  }

  add(name) {
    const title = element("h3", {}, [element("bdi", {}, [name])]);
    const keys = element("div", { class: "keys", role: "group", "aria-label": `Lines of ${name}` });
    const chart = new Chart(name, (range) => this.look({ range }), this.say);
    const node = element("section", { class: "panel", "data-metric": name }, [title, keys, chart.node]);
    const panel = { name, node, keys, chart, lines: [], near: false, stale: true };
    this.byNode.set(node, panel);
    this.panels.set(name, panel);
    this.seen.observe(node);
    return panel;
  }

  draw() {
    const lines = [...this.panels.values()].flatMap((panel) => panel.lines).filter((line) => line.xs.length && this.shown(line));
    const [low, high] = extent(lines.flatMap((line) => [line.xs[0], line.xs[line.xs.length - 1]]));
    this.view.whole = [low > 0 && low < high * 0.2 ? 0 : low, high > low ? high : low + 1];
    for (const panel of this.panels.values()) {
      const named = panel.lines.some((line) => line.key.toLowerCase().includes(this.wanted));
      panel.node.hidden = this.wanted !== "" && !named;
      panel.stale = true;
      if (panel.near) this.drawPanel(panel);
    }
  }

  shown(line) {
    return !this.hidden.has(line.key) && !this.hidden.has(`run ${line.run}`);
  }

  drawPanel(panel) {
    panel.stale = false;
    panel.chart.draw(panel.lines.filter((line) => this.shown(line)), this.view);
    const there = panel.lines.filter((line) => !this.hidden.has(`run ${line.run}`));
    keep(panel.keys, there.map((line) => this.legend(line.key, line.label, line, formatNumber(line.ys[line.ys.length - 1]))));
  }

  drawRunKeys() {
    this.runKeys.hidden = this.runs.length < 2;
    if (this.runs.length > 1) keep(this.runKeys, this.runs.map((run, index) =>
      this.legend(`run ${index}`, runLabel(this.runs, index), { colour: `var(--c${index % COLOURS})`, dash: "" }, run.status)));
  }

  legend(key, label, line, value) {
    const sample = svg("svg", { width: 22, height: 8, "aria-hidden": "true" },
      [svg("line", { x1: 0, x2: 22, y1: 4, y2: 4, "stroke-width": 2.5, "stroke-dasharray": line.dash })]);
    sample.style.stroke = line.colour;
    return element("button", {
      type: "button", class: "key", "aria-pressed": String(!this.hidden.has(key)), "data-key": key,
      onclick: () => {
        if (!this.hidden.delete(key)) this.hidden.add(key);
        if (key.startsWith("run ")) this.drawRunKeys();
        this.draw();
      },
    }, [sample, element("bdi", {}, [label]), element("span", { class: "faint" }, [value])]);
  }
}

// Put buttons in place of older ones; the focus stays where it was.
function keep(host, buttons) {
  const focused = host.contains(document.activeElement) ? document.activeElement.dataset.key : null;
  host.replaceChildren(...buttons);
  if (focused !== null) buttons.find((button) => button.dataset.key === focused)?.focus();
}

// The name where it is the only one, else with the part of the id that tells it from the others.
function runLabel(runs, index) {
  const run = runs[index];
  return runs.filter((each) => each.name === run.name).length > 1 ? `${run.name} ${run.id.slice(-6)}` : run.name;
}

function hash(text) {
  let value = 7;
  for (const character of text) value = (value * 31 + character.codePointAt(0)) >>> 0;
  return value;
}

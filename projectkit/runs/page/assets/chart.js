// One chart: lines over one axis, drawn as SVG at the size that it has on the page.
//
// A line is {key, label, colour, dash, xs, ys, mean: {xs, ys} | null}; a view is {x, log, smoothing, whole, range},
// shared by all charts: the axis, and as much of it as there is and as was chosen.

const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 250, MARGIN = { left: 62, right: 14, top: 10, bottom: 30 }; // at letters of 16 pixels
const AXES = { step: "step", epoch: "epoch", time: "time" };

function svg(tag, attributes = {}, children = []) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  for (const child of children) node.append(child);
  return node;
}

class Chart {
  // `zoom(range | null)` is called when a range is chosen; `say(text)` when the keyboard reads values.
  constructor(name, zoom, say) {
    this.zoom = zoom;
    this.say = say;
    this.name = name;
    this.lines = [];
    this.dragged = null;
    this.at = null;
    this.still = svg("g");
    this.over = svg("g", { "pointer-events": "none" });
    this.svg = svg("svg", { tabindex: 0, role: "group", class: "chart" }, [this.still, this.over]);
    this.tip = element("div", { class: "tip", hidden: true });
    this.node = element("div", { class: "plot" }, [this.svg, this.tip]);
    this.svg.addEventListener("pointerdown", (event) => this.press(event));
    this.svg.addEventListener("pointermove", (event) => this.move(event));
    this.svg.addEventListener("pointerup", (event) => this.release(event));
    this.svg.addEventListener("pointercancel", () => this.leave());
    this.svg.addEventListener("pointerleave", () => this.dragged === null && this.leave());
    this.svg.addEventListener("dblclick", () => this.zoom(null));
    this.svg.addEventListener("keydown", (event) => this.key(event));
    this.svg.addEventListener("blur", () => this.leave());
  }

  draw(lines, view) {
    const width = Math.max(240, Math.round(this.node.clientWidth));
    const unit = parseFloat(getComputedStyle(document.documentElement).fontSize) / 16; // larger on a projector
    const height = HEIGHT * unit;
    this.lines = lines.filter((line) => line.xs.length);
    this.view = view;
    this.width = width;
    this.frame = { left: MARGIN.left * unit, right: width - MARGIN.right * unit, top: MARGIN.top * unit, bottom: height - MARGIN.bottom * unit };
    this.svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    this.svg.setAttribute("aria-label", `${this.name} by ${AXES[view.x]}: ${lines.map((line) => line.label).join(", ")}. ` +
      "Arrow keys read the values, plus and minus zoom, Escape shows all.");
    this.smoothed = new Map();
    this.scale();
    const parts = [...this.axes(), ...this.curves(width)];
    this.still.replaceChildren(...parts);
    this.cursor();
  }

  scale() {
    const { range, whole, log } = this.view;
    const [low, high] = (this.domain = range ?? whole);
    let bottom = Infinity, top = -Infinity;
    for (const { xs, ys } of this.lines) {
      for (let i = 0; i < xs.length; i += 1) {
        if (xs[i] < low || xs[i] > high || !Number.isFinite(ys[i]) || (log && ys[i] <= 0)) continue;
        if (ys[i] < bottom) bottom = ys[i];
        if (ys[i] > top) top = ys[i];
      }
    }
    this.empty = !(top >= bottom);
    if (this.empty) [bottom, top] = log ? [0.1, 1] : [0, 1];
    if (log) {
      const room = top > bottom ? (top / bottom) ** 0.04 : 1.5;
      [bottom, top] = [bottom / room, top * room];
      const a = Math.log10(bottom), b = Math.log10(top);
      this.y = (value) => this.frame.bottom - ((Math.log10(value) - a) / (b - a)) * (this.frame.bottom - this.frame.top);
    } else {
      const room = top > bottom ? (top - bottom) * 0.04 : Math.abs(top) * 0.1 || 0.5;
      [bottom, top] = [bottom >= 0 && bottom < room ? 0 : bottom - room, top + room]; // a loss is not below 0
      this.y = (value) => this.frame.bottom - ((value - bottom) / (top - bottom)) * (this.frame.bottom - this.frame.top);
    }
    this.heights = [bottom, top];
    const { left, right } = this.frame;
    this.x = (value) => left + ((value - low) / (high - low)) * (right - left);
    this.unx = (pixel) => low + ((pixel - left) / (right - left)) * (high - low);
  }

  axes() {
    const { left, right, top, bottom } = this.frame;
    const wide = Math.max(3, Math.floor((right - left) / 90));
    const along = this.view.x === "time" ? timeTicks(...this.domain, wide) : ticks(...this.domain, wide);
    const up = this.view.log ? logTicks(...this.heights, 5) : ticks(...this.heights, 5);
    const named = this.view.x === "time" ? formatClock : (value) => value.toLocaleString("en", { maximumFractionDigits: 6 });
    const parts = [];
    for (const value of up) {
      const y = this.y(value).toFixed(1);
      parts.push(svg("line", { class: "grid", x1: left, x2: right, y1: y, y2: y }));
      parts.push(svg("text", { class: "tick", x: left - 7, y, dy: "0.32em", "text-anchor": "end" }, [axisNumber(value, up)]));
    }
    for (const value of along) {
      const x = this.x(value), name = named(value);
      const anchor = x + name.length * 4.5 > this.width ? "end" : "middle"; // a long number at the right end
      parts.push(svg("line", { class: "grid", x1: x, x2: x, y1: top, y2: bottom }));
      parts.push(svg("text", { class: "tick", x, y: bottom + 4, dy: "0.85em", "text-anchor": anchor }, [name]));
    }
    parts.push(svg("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }));
    if (this.empty) {
      const why = this.view.log ? "nothing above 0 here" : "no numbers here";
      parts.push(svg("text", { class: "tick", x: (left + right) / 2, y: (top + bottom) / 2, "text-anchor": "middle" }, [why]));
    }
    return parts;
  }

  curves(width) {
    const { left, right, top, bottom } = this.frame;
    const clip = `clip${(Chart.count = (Chart.count ?? 0) + 1)}`;
    const parts = [svg("clipPath", { id: clip }, [svg("rect", { x: left - 8, y: top - 8, width: right - left + 16, height: bottom - top + 16 })])];
    const group = svg("g", { "clip-path": `url(#${clip})` });
    for (const line of this.lines) {
      const raw = this.path(line.xs, line.ys, line);
      group.append(raw);
      if (this.view.smoothing > 0) {
        const { xs, ys } = line.mean ?? line;
        const span = this.domain[1] - this.domain[0];
        const values = smooth(xs, ys, this.view.smoothing * span);
        this.smoothed.set(line.key, { xs, ys: values });
        raw.classList.add("raw");
        group.append(this.path(xs, values, line));
      } else if (line.xs.length <= Math.min(80, width / 8)) {
        group.append(...this.dots(line));
      }
      group.append(...this.gaps(line), ...this.best(line));
    }
    parts.push(group);
    return parts;
  }

  path(xs, ys, line) {
    const commands = [];
    let pen = false;
    for (let i = 0; i < xs.length; i += 1) {
      if (!Number.isFinite(ys[i]) || (this.view.log && ys[i] <= 0)) {
        pen = false;
        continue;
      }
      commands.push(`${pen ? "L" : "M"}${this.x(xs[i]).toFixed(1)} ${this.y(ys[i]).toFixed(1)}`);
      pen = true;
    }
    const node = svg("path", { class: "line", d: commands.join("") || "M0 0", "stroke-dasharray": line.dash });
    node.style.stroke = line.colour;
    return node;
  }

  dots(line) {
    const found = [];
    for (let i = 0; i < line.xs.length; i += 1) {
      if (!Number.isFinite(line.ys[i]) || (this.view.log && line.ys[i] <= 0)) continue;
      found.push(svg("circle", { cx: this.x(line.xs[i]).toFixed(1), cy: this.y(line.ys[i]).toFixed(1), r: 2.6 }));
      found[found.length - 1].style.fill = line.colour;
    }
    return found;
  }

  // A ring around the best value of the monitored metric, whose checkpoint was kept.
  best(line) {
    const place = line.best;
    if (place < 0 || !Number.isFinite(line.ys[place]) || (this.view.log && line.ys[place] <= 0)) return [];
    const title = svg("title", {}, [`best: ${formatNumber(line.ys[place])}`]);
    const ring = svg("circle", { class: "best", cx: this.x(line.xs[place]), cy: this.y(line.ys[place]), r: 6 }, [title]);
    ring.style.stroke = line.colour;
    return [ring];
  }

  // A cross at the foot of the plot for each value that is no number; of those that would lie on one another, the first.
  gaps(line) {
    const found = [];
    let before = -Infinity;
    for (let i = 0; i < line.xs.length; i += 1) {
      const x = this.x(line.xs[i]), y = this.frame.bottom - 6;
      if (Number.isFinite(line.ys[i]) || x - before < 11) continue;
      before = x;
      const title = svg("title", {}, [`${line.label} is ${formatNumber(line.ys[i])}`]);
      found.push(svg("path", { class: "gap", d: `M${x - 4} ${y - 4}l8 8m0 -8l-8 8` }, [title]));
      found[found.length - 1].style.stroke = line.colour;
    }
    return found;
  }

  // The values at the cursor, beside it.
  cursor() {
    const parts = [];
    const rows = this.at === null ? [] : this.read(this.at);
    this.tip.hidden = rows.length === 0;
    if (this.at !== null) {
      const wanted = this.at;
      const x = rows.length ? this.x(rows.reduce((best, row) =>
        Math.abs(row.x - wanted) < Math.abs(best - wanted) ? row.x : best, Infinity)) : this.x(wanted);
      parts.push(svg("line", { class: "cursor", x1: x, x2: x, y1: this.frame.top, y2: this.frame.bottom }));
      for (const row of rows) {
        if (!Number.isFinite(row.shown) || (this.view.log && row.shown <= 0)) continue;
        const dot = svg("circle", { class: "mark", cx: this.x(row.x), cy: this.y(row.shown), r: 4 });
        dot.style.fill = row.line.colour;
        parts.push(dot);
      }
      this.describe(rows, x);
    }
    if (this.dragged !== null && this.dragged.to !== undefined) {
      const [a, b] = [this.dragged.from, this.dragged.to].sort((one, two) => one - two);
      parts.push(svg("rect", { class: "chosen", x: a, width: b - a, y: this.frame.top, height: this.frame.bottom - this.frame.top }));
    }
    this.over.replaceChildren(...parts);
  }

  // What each line says at a place; a line that ended before, or begins behind it, says nothing.
  read(wanted) {
    const near = (this.domain[1] - this.domain[0]) * 0.02;
    const there = this.lines.filter(({ xs }) => xs[0] - near <= wanted && wanted <= xs[xs.length - 1] + near);
    return there.map((line) => {
      const place = nearest(line.xs, wanted), smoothed = this.smoothed.get(line.key);
      const value = line.ys[place], x = line.xs[place];
      const mean = smoothed ? smoothed.ys[nearest(smoothed.xs, x)] : null;
      return { line, x, value, mean, shown: mean ?? value };
    });
  }

  describe(rows, x) {
    const head = element("div", { class: "tip-head" }, [`${AXES[this.view.x]} ${axisValue(this.at === null ? 0 : this.unx(x), this.view.x)}`]);
    const shown = rows.slice(0, 12).map((row) => {
      const swatch = element("span", { class: "swatch" });
      swatch.style.background = row.line.colour;
      const value = row.mean === null ? formatNumber(row.value) : `${formatNumber(row.mean)} (${formatNumber(row.value)})`;
      return element("div", { class: "tip-row" }, [swatch, element("bdi", {}, [row.line.label]), element("b", {}, [value])]);
    });
    if (rows.length > 12) shown.push(element("div", { class: "tip-row" }, [`and ${rows.length - 12} more`]));
    this.tip.replaceChildren(head, ...shown);
    const share = x / this.width;
    this.tip.style.left = share < 0.5 ? `calc(${share * 100}% + 12px)` : "auto";
    this.tip.style.right = share < 0.5 ? "auto" : `calc(${(1 - share) * 100}% + 12px)`;
  }

  place(event) {
    const box = this.svg.getBoundingClientRect();
    const pixel = ((event.clientX - box.left) / box.width) * this.width;
    return Math.min(this.frame.right, Math.max(this.frame.left, pixel));
  }

  press(event) {
    // a finger reads values and scrolls the page; it does not choose a range
    if (!this.frame || event.button !== 0 || event.pointerType === "touch") return;
    this.dragged = { from: this.place(event) };
    this.svg.setPointerCapture(event.pointerId);
  }

  move(event) {
    if (!this.frame) return;
    const pixel = this.place(event);
    this.at = this.unx(pixel);
    if (this.dragged !== null && Math.abs(pixel - this.dragged.from) > 4) this.dragged.to = pixel;
    this.cursor();
  }

  release() {
    const chosen = this.dragged;
    this.dragged = null;
    if (chosen?.to === undefined) return;
    this.at = null;
    this.zoom([chosen.from, chosen.to].sort((one, two) => one - two).map(this.unx));
  }

  leave() {
    this.at = this.dragged = null;
    this.cursor();
  }

  key(event) {
    if (!this.lines.length) return;
    const [low, high] = this.domain, span = high - low;
    const moves = { ArrowLeft: -1, ArrowRight: 1, Home: -Infinity, End: Infinity };
    if (event.key in moves) {
      const line = this.lines.reduce((one, two) => (two.xs.length > one.xs.length ? two : one));
      const start = this.at === null ? line.xs.length - 1 : nearest(line.xs, this.at);
      const jump = Math.max(1, Math.round(line.xs.length / (event.shiftKey ? 10 : 100)));
      const next = this.at === null && Number.isFinite(moves[event.key]) ? start : start + moves[event.key] * jump;
      this.at = line.xs[Math.min(line.xs.length - 1, Math.max(0, next))];
      this.cursor();
      const values = this.read(this.at).map((row) => `${row.line.label} ${formatNumber(row.shown)}`);
      this.say(`${AXES[this.view.x]} ${axisValue(this.at, this.view.x)}: ${values.join(", ")}`);
    } else if (event.key === "+" || event.key === "-") {
      const middle = this.at ?? (low + high) / 2, half = span * (event.key === "+" ? 0.25 : 1);
      this.zoom([middle - half, middle + half]);
    } else if (event.key === "Escape" || event.key === "0") {
      this.zoom(null);
    } else {
      return;
    }
    event.preventDefault();
  }
}

function extent(values) {
  let low = Infinity, high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 1];
}

// Numbers beside an axis have as many digits as the step between them needs.
function axisNumber(value, all) {
  const size = Math.max(...all.map(Math.abs));
  if (size >= 1e6 || size < 1e-3) return value === 0 ? "0" : value.toExponential(Math.abs(value) && all.length > 1 ? 1 : 2).replace("-", "−").replace("e+", "e");
  const gap = all.length > 1 ? Math.min(...all.slice(1).map((each, i) => each - all[i])) : Math.abs(value) || 1;
  const digits = Math.min(6, Math.max(0, -Math.floor(Math.log10(gap) + 1e-9)));
  return value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace("-", "−");
}

function formatClock(seconds) {
  const two = (value) => String(Math.floor(value)).padStart(2, "0");
  if (Math.abs(seconds) < 60) return `${Number(seconds.toFixed(2))} s`;
  return seconds < 3600 ? `${Math.floor(seconds / 60)}:${two(seconds % 60)}` : `${Math.floor(seconds / 3600)}:${two((seconds % 3600) / 60)} h`;
}

function axisValue(value, axis) {
  if (axis === "time") return formatDuration(value);
  return value.toLocaleString("en", { maximumFractionDigits: axis === "epoch" ? 2 : 0 });
}

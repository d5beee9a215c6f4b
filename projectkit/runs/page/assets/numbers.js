// Numbers: how they are read, written, smoothed and put on an axis. Nothing here knows of the page.

// NaN and infinity, which JSON lacks, come as text.
const toNumbers = (values) => Float64Array.from(values, Number);

function formatNumber(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "–" : String(value);
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return value.toLocaleString("en");
  const text = size < 1e-3 || size >= 1e6 ? value.toExponential(2) : value.toPrecision(4);
  return text.replace("-", "−");
}

function formatDuration(seconds) {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 120) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${String(minutes % 60).padStart(2, "0")} min` : `${Math.round(hours / 24)} days`;
}

function formatTime(iso) {
  const time = new Date(iso);
  if (Number.isNaN(time.getTime())) return String(iso ?? "–");
  const two = (value) => String(value).padStart(2, "0");
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

// The round numbers between two ends, about `wanted` of them.
function ticks(low, high, wanted) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / wanted));
  const step = [1, 2, 5, 10].map((times) => times * power).find((size) => span / size <= wanted) ?? 10 * power;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high + step * 1e-9; at += 1) found.push(at * step || 0); // no -0
  return found;
}

function timeTicks(low, high, wanted) {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 43200, 86400];
  const step = steps.find((size) => (high - low) / size <= wanted);
  if (step === undefined || high - low < 5) return ticks(low, high, wanted);
  const found = [];
  for (let at = Math.ceil(low / step) * step; at <= high; at += step) found.push(at);
  return found;
}

// Powers of ten; with 2 and 5 where there are few of them.
function logTicks(low, high, wanted) {
  const first = Math.floor(Math.log10(low)), last = Math.ceil(Math.log10(high));
  const every = Math.max(1, Math.ceil((last - first) / wanted));
  const factors = last - first <= 3 ? [1, 2, 5] : [1];
  const found = [];
  for (let power = first; power <= last; power += every) {
    for (const factor of factors) {
      const value = factor * 10 ** power;
      if (value >= low * 0.999999 && value <= high * 1.000001) found.push(value);
    }
  }
  return found.length > 1 ? found : ticks(low, high, wanted);
}

// The place of the value nearest to `wanted` in ascending values.
function nearest(values, wanted) {
  let low = 0, high = values.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < wanted) low = middle + 1; else high = middle;
  }
  return low > 0 && Math.abs(values[low - 1] - wanted) <= Math.abs(values[low] - wanted) ? low - 1 : low;
}

// An exponential mean over a length of the axis, so that it does not depend on how often something was logged. It is
// corrected at its start, and starts again behind a gap.
function smooth(xs, ys, length) {
  const smoothed = new Float64Array(ys.length);
  let sum = 0, weight = 0, before = NaN;
  for (let i = 0; i < ys.length; i += 1) {
    if (!Number.isFinite(ys[i])) {
      sum = weight = 0;
      before = NaN;
      smoothed[i] = NaN;
      continue;
    }
    const kept = Number.isNaN(before) ? 0 : Math.exp(-Math.max(0, xs[i] - before) / length);
    sum = sum * kept + ys[i];
    weight = weight * kept + 1;
    smoothed[i] = sum / weight;
    before = xs[i];
  }
  return smoothed;
}

// Steps to epochs. `ends` are pairs of epochs done and their last step; the newest epoch may not be over yet, and is as long as
// planned, or as the one before it.
function epochScale(ends, planned) {
  const known = [[0, 0], ...ends];
  if (known.length > 1) {
    const newest = known.pop(), before = known[known.length - 1], earlier = known[known.length - 2];
    const usual = earlier ? (before[1] - earlier[1]) / (before[0] - earlier[0]) : 0;
    const length = planned || Math.max(usual, (newest[1] - before[1]) / (newest[0] - before[0])) || 1;
    known.push([before[0] + 1, before[1] + length]);
  }
  const steps = known.map((pair) => pair[1]);
  return (step) => {
    if (known.length < 2) return 0;
    let low = 1, high = known.length - 1; // the first end at or behind the step
    while (low < high) {
      const middle = (low + high) >> 1;
      if (steps[middle] < step) low = middle + 1; else high = middle;
    }
    const [epoch, last] = known[low - 1], [next, end] = known[low];
    return epoch + ((step - last) / (end - last || 1)) * (next - epoch);
  };
}

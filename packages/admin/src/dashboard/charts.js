/** The moving charts. uPlot draws them; it is loaded as a script of its own. */
import { $, element, setText } from "./dom.js";
import { bytes, clock, count, milliseconds, shortCount } from "./format.js";
import { onThemeChange } from "./theme.js";

const SHORTEST_SPAN = 60;
const MOST_SAMPLES = 600;

const wholeSteps = [1, 2, 5]
  .flatMap((step) => Array.from({ length: 12 }, (_, power) => step * 10 ** power))
  .toSorted((a, b) => a - b);
const byteSteps = Array.from({ length: 50 }, (_, power) => 2 ** power);

/** `floor`: what the axis reaches to at least, so that next to nothing looks like it. */
const definitions = [
  {
    title: "Connections",
    format: count,
    axis: shortCount,
    steps: wholeSteps,
    floor: 5,
    series: [["connections", "open"]],
  },
  {
    title: "Messages per second",
    format: count,
    axis: shortCount,
    steps: wholeSteps,
    floor: 10,
    series: [
      ["messagesIn", "in"],
      ["messagesOut", "out"],
    ],
  },
  {
    title: "Round-trip",
    hint: "Measured by the heartbeat: by default a client's first pong comes within a minute.",
    format: milliseconds,
    axis: milliseconds,
    floor: 10,
    series: [
      ["rttMedian", "median"],
      ["rttP95", "95%"],
    ],
  },
  {
    title: "Backlog",
    hint: "What waits in memory for clients that read too slowly.",
    format: bytes,
    axis: bytes,
    steps: byteSteps,
    floor: 1024,
    series: [["backlog", "queued"]],
  },
  {
    title: "Memory",
    format: bytes,
    axis: bytes,
    steps: byteSteps,
    floor: 64 * 1024 * 1024,
    series: [
      ["rss", "process"],
      ["heap", "heap"],
    ],
  },
  {
    title: "Event-loop lag",
    format: milliseconds,
    axis: milliseconds,
    floor: 10,
    series: [
      ["lagMax", "longest"],
      ["lagMean", "mean"],
    ],
  },
];

let data = {};
let span = MOST_SAMPLES;
let wantsDraw = false;
const charts = definitions.map(makeCard);

/** Everything so far, as the server has kept it. */
export function setHistory(columns, history) {
  data = Object.fromEntries(columns.map((name, index) => [name, history.map((sample) => sample[index])]));
  drawSoon();
}

export function addSample(columns, sample) {
  for (const [index, name] of columns.entries()) {
    data[name].push(sample[index]);
    if (data[name].length > MOST_SAMPLES) data[name].shift();
  }
  drawSoon();
}

/** @param seconds how much is shown, at most */
export function setSpan(seconds) {
  span = seconds;
  drawSoon();
}

function drawSoon() {
  if (wantsDraw || document.hidden) return;
  wantsDraw = true;
  requestAnimationFrame(() => {
    wantsDraw = false;
    for (const chart of charts) chart.draw();
  });
}

document.addEventListener("visibilitychange", drawSoon);
onThemeChange(() => charts.forEach((chart) => chart.redraw()));

function makeCard(definition, index) {
  const shownValues = definition.series.map(() => element("span", { className: "value" }, "–"));
  const legend = element(
    "p",
    { className: "legend" },
    ...definition.series.map(([, label], at) =>
      element(
        "span",
        {},
        element("i", { className: `swatch swatch-${at + 1}`, ariaHidden: "true" }),
        `${label} `,
        shownValues[at],
      ),
    ),
  );
  const time = element("span", { className: "quiet time", ariaHidden: "true" });
  const place = element("div", { className: "plot" });
  const title = element("h3", { id: `chart-${index}` }, definition.title);
  const card = element(
    "article",
    { className: "card chart" },
    element("div", { className: "bar" }, title, time),
    legend,
    place,
  );
  card.setAttribute("aria-labelledby", title.id);
  if (definition.hint) card.append(element("p", { className: "hint" }, definition.hint));
  $("charts").append(card);

  let plot = null;

  /** The numbers at the pointer, or the latest. */
  function showValues(at) {
    const times = data.time ?? [];
    const shown = at ?? times.length - 1;
    definition.series.forEach(([name], i) => setText(shownValues[i], definition.format(data[name]?.[shown] ?? null)));
    setText(time, at == null ? "" : clock(times[at] * 1000));
    card.classList.toggle(
      "no-data",
      definition.series.every(([name]) => !(data[name] ?? []).some((value) => value !== null)),
    );
  }

  function draw() {
    const values = [data.time ?? [], ...definition.series.map(([name]) => data[name] ?? [])];
    if (plot === null) {
      plot = new globalThis.uPlot(options(definition, place, showValues), values, place);
      new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: place.clientHeight })).observe(place);
    } else plot.setData(values);
    showValues(plot.cursor.idx);
  }

  return { draw, redraw: () => plot?.redraw(false) };
}

function options(definition, place, showValues) {
  const axis = {
    stroke: () => colour("--quiet"),
    grid: { stroke: () => colour("--grid"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  return {
    width: place.clientWidth,
    height: place.clientHeight,
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: { sync: { key: "hawser" }, drag: { x: false, y: false }, y: false },
    scales: {
      x: { range: () => timeRange() },
      y: { range: (_, __, most) => [0, Math.max(definition.floor, (most ?? 0) * 1.1)] },
    },
    axes: [
      {
        ...axis,
        space: 64,
        size: 24,
        values: (_, splits) => splits.map((seconds) => clock(seconds * 1000, shownSeconds() < 240)),
      },
      {
        ...axis,
        space: 32,
        size: 60,
        values: (_, splits) => splits.map((value) => definition.axis(value)),
        ...(definition.steps ? { incrs: definition.steps } : {}),
      },
    ],
    series: [
      {},
      ...definition.series.map((_, index) => ({
        stroke: () => colour(`--series-${index + 1}`),
        ...(index === 0 ? { fill: () => colour("--series-fill") } : {}),
        width: 1.5,
        points: { show: false },
      })),
    ],
    hooks: { setCursor: [(plot) => showValues(plot.cursor.idx)] },
  };
}

function shownSeconds() {
  const [from, to] = timeRange();
  return to - from;
}

/** Up to the latest sample; as far back as there is something, and a minute at least. */
function timeRange() {
  const times = data.time ?? [];
  const last = times.at(-1) ?? Date.now() / 1000;
  const first = Math.min(times[0] ?? last, last - SHORTEST_SPAN);
  return [Math.max(last - span, first), last];
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

// Charts of the rates, and the list of decisions behind each rate. All text is inserted as text, never as HTML.

const data = JSON.parse(byId("data").textContent);
const INK = "currentColor";
const BELOW = "#6ea8e0", LEVEL = "#f3f3f0", ABOVE = "#f0a060", BAR = "#6f9bd1", FEW = "#c9ced6";
const CONFIG = {
  font: "system-ui, sans-serif",
  background: null,
  view: { stroke: null },
  axis: { labelFontSize: 11.5, titleFontSize: 12, labelColor: INK, titleColor: INK, domainColor: "#99a", tickColor: "#99a", gridColor: "rgba(128,128,128,.25)", labelLimit: 260 },
  legend: { labelColor: INK, titleColor: INK },
  title: { color: INK, anchor: "start", fontSize: 12 },
};
const OPTIONS = { ast: true, actions: false, defaultStyle: false, renderer: "svg", config: CONFIG, tooltip: { disableDefaultStyle: true } };
const nameOf = (values) => values.map(spaced).join(", ");

function tipOf(cell) {
  const interval = cell.rate === null ? "too few for a rate" : `${percent(cell.rate)} (${percent(cell.low)} to ${percent(cell.high)})`;
  return `${nameOf(cell.values)}: ${counted(cell.requests)} requests, ${interval}`;
}

const drawn = (cells) => cells.map((cell) => ({ ...cell, name: spaced(cell.values[0]), second: spaced(cell.values[1] ?? ""), tip: tipOf(cell) }));
const rated = data.bars.filter((bar) => bar.rate !== null);
const bars = rated.length ? rated : data.bars;
const overall = { data: { values: [{ rate: data.overall }] }, transform: [{ filter: "isValid(datum.rate)" }] };
const ofRate = (field) => ({ field, type: "quantitative", axis: { format: ".0%", tickCount: 8 }, title: "share overturned" });

const ORDERS = {
  requests: (a, b) => b.requests - a.requests,
  rate: (a, b) => (b.rate ?? -1) - (a.rate ?? -1),
  difference: (a, b) => (b.difference ?? -9) - (a.difference ?? -9),
  name: (a, b) => nameOf(a.values).localeCompare(nameOf(b.values), "en", { numeric: true }),
};

function barChart(order) {
  const values = drawn(bars.toSorted(ORDERS[order])).map((bar) => ({ ...bar, label: `${bar.name} (${counted(bar.requests)})` }));
  const y = { field: "label", type: "nominal", title: null, sort: null, scale: { domain: values.map((bar) => bar.label) } };
  const known = [{ filter: "isValid(datum.rate)" }];
  const tooltip = { field: "tip" };
  return {
    width: "container",
    height: 22 * values.length,
    data: { values },
    layer: [
      { transform: known, mark: { type: "bar", color: BAR, cursor: "pointer", height: { band: 0.7 } }, encoding: { y, x: ofRate("rate"), tooltip, description: tooltip } },
      { transform: known, mark: { type: "rule", color: INK, strokeWidth: 1.5, aria: false }, encoding: { y, x: { field: "low", type: "quantitative" }, x2: { field: "high" } } },
      { ...overall, mark: { type: "rule", color: INK, strokeDash: [5, 4], aria: false }, encoding: { x: { field: "rate", type: "quantitative" } } },
    ],
  };
}

function heatMap() {
  const barred = new Set(bars.map((bar) => bar.values[0]));
  const values = drawn(data.cells.filter((cell) => barred.has(cell.values[0]))).map((cell) => ({ ...cell, text: cell.rate === null ? `n=${cell.requests}` : percent(cell.rate, 0) }));
  const ordered = data.values.map((names) => names.map(spaced));
  const x = { field: "second", type: "nominal", title: data.by[1].label, sort: ordered[1], axis: { labelAngle: -40, orient: "top" } };
  const y = { field: "name", type: "nominal", title: null, sort: ordered[0] };
  const rates = data.cells.map((cell) => cell.rate).filter((rate) => rate !== null);
  const middle = data.overall ?? 0.5;
  const domain = [Math.min(middle / 2, ...rates), middle, Math.max(middle * 1.5, ...rates)];
  const color = {
    condition: { test: "!isValid(datum.rate)", value: FEW },
    field: "rate", type: "quantitative", scale: { domain, range: [BELOW, LEVEL, ABOVE], interpolate: "rgb" }, legend: { format: ".0%", title: "rate" },
  };
  return {
    width: { step: 46 },
    height: { step: 24 },
    data: { values },
    encoding: { x, y },
    layer: [
      { mark: { type: "rect", cursor: "pointer", stroke: "#fff", invalid: "show" }, encoding: { color, tooltip: { field: "tip" }, description: { field: "tip" } } },
      { mark: { type: "text", color: "#111", fontSize: 11, cursor: "pointer", aria: false }, encoding: { text: { field: "text" } } },
    ],
  };
}

function trendChart() {
  const values = drawn(data.trend).map((cell) => ({ ...cell, time: cell.values[0] }));
  const x = { field: "time", type: "ordinal", title: null, scale: { domain: values.map((cell) => cell.time) }, axis: { labelOverlap: true, labelAngle: -40 } };
  const known = [{ filter: "isValid(datum.rate)" }];
  return {
    width: "container",
    height: 220,
    data: { values: values.map(({ values: _, ...cell }) => cell) },
    layer: [
      { transform: known, mark: { type: "area", color: BAR, opacity: 0.3, aria: false }, encoding: { x, y: ofRate("low"), y2: { field: "high" } } },
      { transform: known, mark: { type: "line", color: BAR, aria: false }, encoding: { x, y: { field: "rate", type: "quantitative" } } },
      { transform: known, mark: { type: "point", color: BAR, filled: true, size: 45 }, encoding: { x, y: { field: "rate", type: "quantitative" }, tooltip: { field: "tip" }, description: { field: "tip" } } },
      { ...overall, mark: { type: "rule", color: INK, strokeDash: [5, 4], aria: false }, encoding: { y: { field: "rate", type: "quantitative" } } },
    ],
  };
}

function familyChart() {
  const values = data.families.map((cell) => ({
    ...cell,
    treatment: spaced(cell.treatment),
    text: percent(cell.share, 0),
    tip: `${spaced(cell.treatment)}: ${cell.family} cited in ${counted(cell.requests)} of ${counted(cell.of)} requests`,
  }));
  return {
    width: { step: 90 },
    height: { step: 24 },
    data: { values },
    encoding: {
      x: { field: "family", type: "nominal", title: null, axis: { labelAngle: 0, orient: "top" } },
      y: { field: "treatment", type: "nominal", title: null, sort: null },
    },
    layer: [
      { mark: { type: "rect" }, encoding: { color: { field: "share", type: "quantitative", scale: { domain: [0, 1], range: ["#eef2f7", BELOW] }, legend: null }, tooltip: { field: "tip" }, description: { field: "tip" } } },
      { mark: { type: "text", color: "#111", fontSize: 11, aria: false }, encoding: { text: { field: "text" } } },
    ],
  };
}

async function draw(id, spec) {
  const title = data.is_sample ? { title: "SAMPLE: invented letters, SYNTHETIC figures" } : {};
  const description = `${byId(`${id}-title`).textContent}; the table below has the same figures`;
  const { view } = await window.vegaEmbed(byId(id), { ...title, description, ...spec }, OPTIONS);
  view.addEventListener("click", (event, item) => {
    if (item?.datum?.values) showDecisions([...item.datum.values]);
  });
}

/** Draw the bars, which can be reached and opened by keyboard. */
async function drawBars(order) {
  await draw("bars", barChart(order));
  for (const bar of byId("bars").querySelectorAll("path[aria-roledescription=bar]")) {
    bar.setAttribute("tabindex", "0");
    bar.setAttribute("role", "button");
    bar.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      showDecisions([...bar.__data__.datum.values]);
    });
  }
}

let opener = null;

/** List the decisions with these values in the panel. */
function showDecisions(values) {
  const rows = data.decisions.filter((row) => values.every((value, place) => row[5 + place].includes(value)));
  const cell = [...data.cells, ...data.bars].find((candidate) => candidate.values.length === values.length && candidate.values.every((value, place) => value === values[place]));
  const listed = rows.slice(0, data.listed);
  byId("panel-title").textContent = nameOf(values);
  byId("panel-count").textContent = listed.length < cell.requests ? `The latest ${listed.length} of ${counted(cell.requests)} decisions.` : `All ${listed.length} decisions.`;
  byId("decisions").replaceChildren(...listed.map(decisionRow));
  opener = document.activeElement;
  byId("panel").hidden = false;
  document.body.classList.add("with-panel");
  window.dispatchEvent(new Event("resize"));
  byId("panel-title").focus();
}

function decisionRow([number, item, outcome, decided, citation, ...rest]) {
  const text = data.with_text ? el("p", { class: "request-text" }, rest.at(-1)) : null;
  return el("tr", {}, el("th", { scope: "row" }, number), el("td", {}, item), el("td", {}, el("span", { class: `chip ${outcome}` }, outcome)), el("td", {}, decided), el("td", {}, citation, text));
}

function closePanel() {
  byId("panel").hidden = true;
  document.body.classList.remove("with-panel");
  window.dispatchEvent(new Event("resize"));
  opener?.focus();
}

async function sort(order) {
  const rows = [...byId("cells").tBodies[0].rows];
  const cellOf = (row) => data.cells[Number(row.dataset.place)];
  byId("cells").tBodies[0].append(...rows.toSorted((a, b) => ORDERS[order](cellOf(a), cellOf(b))));
  await drawBars(order);
}

if (bars.length < data.bars.length) byId("few").textContent = `The table has ${data.bars.length - bars.length} more values with fewer than 20 requests.`;
byId("order").addEventListener("change", (event) => sort(event.target.value));
byId("close").addEventListener("click", closePanel);
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !byId("panel").hidden) closePanel();
});
byId("cells").addEventListener("click", (event) => {
  const row = event.target.closest(".open")?.closest("tr");
  if (row) showDecisions(data.cells[Number(row.dataset.place)].values);
});
await sort("requests");
if (byId("heat")) await draw("heat", heatMap());
if (byId("trend")) await draw("trend", trendChart());
if (byId("families")) await draw("families", familyChart());
document.body.dataset.ready = "yes";

// Evidence of a prediction, marked in the texts and as lists.

const STRONGEST = 62;
const FAINTEST = 16;
const SECTIONS = ["request", "clinical_summary", "ur_guideline"];
const KINDS = {
  outcome: { label: "Outcome", toward: "toward overturned", against: "toward upheld" },
  primary_family: { label: "Guideline family", toward: "toward", against: "against" },
};

const sideOf = (weight) => (weight > 0 ? "toward" : "against");

const termOf = (entry) => entry.name ?? spaced(entry.term);

function kindOf(entry) {
  if (!("fact" in entry)) return `word in ${data.names.sections[entry.section].toLowerCase()}`;
  return data.names.facts[entry.fact] ?? spaced(entry.fact);
}

const entriesOf = (row, kind) => row.evidence?.[kind] ?? [];
const strengthOf = (weight, largest) => FAINTEST + (STRONGEST - FAINTEST) * Math.min(1, Math.abs(weight) / largest);
const largestOf = (entries) => Math.max(...entries.map((entry) => Math.abs(entry.weight)), Number.MIN_VALUE);

/** Return a section's text with its evidence marked. */
function markedText(row, section, kind) {
  const text = textOf(row, section);
  const entries = entriesOf(row, kind);
  const spans = entries.flatMap((entry, number) =>
    entry.section === section ? (entry.places ?? []).map(([start, end]) => ({ start, end, number, entry })) : []);
  return piecesOf(text, spans).map((piece) => (piece.spans.length ? mark(piece, largestOf(entries)) : piece.text));
}

function mark(piece, largest) {
  const weight = piece.spans.reduce((sum, span) => sum + span.entry.weight, 0);
  const lines = piece.spans.map(({ entry }) => `${termOf(entry)} (${kindOf(entry)}) ${signed(entry.weight)}`);
  const element = el("mark", {
    class: sideOf(weight), title: lines.join("\n"), "data-entries": piece.spans.map((span) => span.number).join(" "),
  }, piece.text);
  element.style.setProperty("--strength", `${strengthOf(weight, largest)}%`);
  return element;
}

/** Return all evidence of a kind: terms in the text as buttons that scroll to them, then the other terms. */
function evidenceLists(row, kind) {
  const numbered = entriesOf(row, kind).map((entry, number) => ({ entry, number }));
  const largest = largestOf(entriesOf(row, kind));
  const inText = numbered.filter(({ entry }) => entry.places?.length);
  const elsewhere = numbered.filter(({ entry }) => !entry.places?.length);
  const list = (items) => el("ul", { class: "weights" }, items.map((item) => el("li", {}, weightLine(item, largest))));
  return [
    inText.length ? [el("h4", {}, "In the text"), list(inText)] : null,
    elsewhere.length ? [el("h4", {}, "Facts, numbers and missing mentions"), list(elsewhere)] : null,
    numbered.length ? null : el("p", { class: "hint" }, "No evidence."),
    ...sumOf(row, kind),
  ].flat();
}

/** Return the table of the sum of terms, the prediction. */
function sumOf(row, kind) {
  const sums = row.evidence?.sums?.[kind];
  if (!sums) return [];
  const shown = entriesOf(row, kind).reduce((sum, entry) => sum + entry.weight, 0);
  const chance = (logOdds) => percent(1 / (1 + Math.exp(-logOdds)));
  const line = (name, value) => el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value));
  return [el("h4", {}, "Sum, in log-odds"), el("table", { class: "sum" }, el("tbody", {},
    line(`base rate of the training data (${chance(sums.base_rate)})`, signed(sums.base_rate)),
    line("the terms above", signed(shown)),
    line("everything else", signed(sums.everything_else)),
    line(`prediction (${chance(sums.log_odds)})`, signed(sums.log_odds)))),
  el("p", { class: "hint" }, "Each weight is the term's contribution to the log-odds of the prediction, relative to the average training request.")];
}

function weightLine({ entry, number }, largest) {
  const share = 50 * Math.abs(entry.weight) / largest;
  const bar = svg("svg", { class: "bar diverging", "aria-hidden": "true" },
    svg("rect", { class: sideOf(entry.weight), x: `${entry.weight > 0 ? 50 : 50 - share}%`, width: `${share}%`, height: "100%" }));
  const parts = [el("span", { class: "term" }, termOf(entry)), el("small", {}, kindOf(entry)), bar, el("span", { class: "weight" }, signed(entry.weight))];
  if (!entry.places?.length) return el("div", { class: "line" }, parts);
  const count = entry.places.length > 1 ? `${entry.places.length} places` : "1 place";
  return el("button", {
    type: "button", class: "line", title: `Show in the text (${count})`,
    click: () => flash(number, true), mouseenter: () => flash(number, false), mouseleave: unflash, focus: () => flash(number, false), blur: unflash,
  }, parts);
}

function unflash() {
  for (const element of document.querySelectorAll("mark.flash")) element.classList.remove("flash");
}

function flash(number, scroll) {
  unflash();
  const marks = [...document.querySelectorAll("mark")].filter((element) => element.dataset.entries.split(" ").includes(String(number)));
  for (const element of marks) element.classList.add("flash");
  if (scroll) marks[0]?.scrollIntoView({ block: "center" });
}

function legend(row, kind) {
  const words = KINDS[kind];
  const name = kind === "primary_family" && row.primary_family ? ` ${familyName(row.primary_family)}` : "";
  return el("p", { class: "legend" },
    el("span", {}, el("mark", { class: "toward", "data-entries": "" }, `${words.toward}${name}`)),
    el("span", {}, el("mark", { class: "against", "data-entries": "" }, `${words.against}${name}`)),
    el("small", {}, "darker means a larger contribution to the log-odds"));
}

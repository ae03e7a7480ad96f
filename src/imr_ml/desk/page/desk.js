// Predict the request in the form and show what an edit changes. All data stays in the memory of this tab.

const PAUSE_MS = 350;
const data = JSON.parse(byId("data").textContent);
const form = byId("form");
const inputs = [...form.querySelectorAll("textarea, .fields input, .fields select")];
const editors = Object.fromEntries(SECTIONS.map((name) => [name, form.querySelector(`[data-editor="${name}"]`)]));
// `hidden`: fields of the letter without an input, e.g. the case number, which excludes its own decision from precedents.
const state = { hidden: {}, original: null, shown: null, pending: null, pause: 0, letter: 0 };

const familyName = (family) => data.names.families[family] ?? family;
const textOf = (row, section) => row.fields[section] ?? null;
const chip = (outcome) => el("span", { class: `chip ${outcome}` }, outcome);
const points = (change) => `${change < 0 ? "−" : "+"}${Math.abs(100 * change).toFixed(1)} points`;
const PROMPT = "Enter a request and its clinical summary, or open a letter.";

function readFields() {
  const filled = inputs.filter((input) => input.value.trim()).map((input) => [input.name, input.value]);
  return { ...state.hidden, ...Object.fromEntries(filled) };
}

const isEqual = (first, second) => JSON.stringify(Object.entries(first).sort()) === JSON.stringify(Object.entries(second).sort());

/** Set the status line; if it is not visible, only screen readers announce it. */
function setStatus(line, { isBad = false, isVisible = true } = {}) {
  byId("status").textContent = line;
  byId("status").className = isBad ? "bad" : isVisible ? "" : "screen-reader";
}

/** Send a request and return the JSON of the response; errors have a one-line message. */
async function post(path, options) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The desk does not respond. Is it still running in the terminal?");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail ?? (answer.status === 503 ? "The desk is busy; try again." : `The desk refused the request (${answer.status}).`));
  return body;
}

async function predict() {
  clearTimeout(state.pause);
  state.pending?.abort();
  const fields = readFields();
  if (!fields.request) return setStatus("Enter the request.", { isBad: true });
  const pending = new AbortController();
  state.pending = pending;
  byId("answer").setAttribute("aria-busy", "true");
  try {
    const answer = await post("/score", { signal: pending.signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
    if (state.pending === pending) show(toRow(answer, fields));
  } catch (error) {
    if (error.name !== "AbortError") setStatus(error.message, { isBad: true });
  } finally {
    if (state.pending === pending) byId("answer").removeAttribute("aria-busy");
  }
}

function toRow({ row, rates }, fields) {
  const families = row.families_pred ? row.families_pred.split("|") : [];
  return { ...row, fields, rates, families, outcome: row.error === null ? row.outcome_pred : "error" };
}

function onEdit(event) {
  const editor = event.target.closest(".editor");
  if (editor) updateMarks(editor.dataset.editor);
  byId("restore").hidden = byId("rebase").hidden = state.original === null || isEqual(readFields(), state.original.fields);
  if (state.original === null) return;
  clearTimeout(state.pause);
  state.pause = setTimeout(predict, PAUSE_MS);
}

async function openLetter(file) {
  if (!file) return;
  const status = (line, isBad = false) => {
    byId("letter-status").textContent = line;
    byId("letter-status").classList.toggle("bad", isBad);
  };
  const letterNumber = ++state.letter;
  byId("choice").hidden = true;
  if (file.size > data.max_letter_bytes) return status(`${file.name}: larger than ${data.max_letter_bytes / 1e6} MB, the limit`, true);
  status(`Reading ${file.name} …`);
  try {
    const letter = await post("/letter", { headers: { "X-Letter-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" }, body: file });
    if (letterNumber !== state.letter) return;
    const kind = letter.is_sample ? " This is a SAMPLE letter about invented people." : "";
    const many = letter.requests.length > 1 ? `${letter.requests.length} requests; choose one.` : "1 request.";
    status(`${letter.name}: ${many}${kind}${letter.warnings.map((warning) => ` ${warning}.`).join("")}`);
    listRequests(letter.requests);
  } catch (error) {
    if (letterNumber === state.letter) status(error.message, true);
  }
}

/** List the requests of a letter and select the first. */
function listRequests(requests) {
  const list = byId("choice");
  const select = (request) => { fill(request); predict(); };
  list.hidden = requests.length < 2;
  list.replaceChildren(el("legend", {}, "Requests of the letter"), ...requests.map((request, number) =>
    el("label", {}, el("input", { type: "radio", name: "of-letter", value: String(number), checked: number === 0, change: () => select(request) }),
      el("span", {}, request.request))));
  select(requests[0]);
}

function fill(fields) {
  const names = new Set(inputs.map((input) => input.name));
  state.hidden = Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name)));
  for (const input of inputs) input.value = fields[input.name] ?? "";
  reset();
}

/** Clear the prediction and the original. */
function reset() {
  clearTimeout(state.pause);
  state.pending?.abort();
  Object.assign(state, { original: null, shown: null, pending: null });
  byId("restore").hidden = byId("rebase").hidden = true;
  byId("answer").removeAttribute("aria-busy");
  byId("result").replaceChildren();
  SECTIONS.forEach(updateMarks);
}

function show(row) {
  state.shown = row;
  if (row.error === null) state.original ??= row;
  const change = changeOf(row);
  byId("result").replaceChildren(...[
    row.error === null ? verdictOf(row) : el("p", { class: "failed" }, el("b", {}, "Could not be scored: "), row.error),
    row.in_training ? el("p", { class: "hint" }, "The model was trained on this case: its prediction is more accurate than for a new request.") : null,
    row.warnings ? el("p", { class: "hint" }, `Warnings: ${row.warnings}`) : null,
    change, row.error === null ? comparison(row) : null,
    row.evidence ? evidenceOf(row) : null,
    row.p_families && row.primary_family ? familySection(row) : null,
    row.rates.some(({ rows }) => rows.length) ? ratesOf(row) : null,
    row.precedents ? precedentSection(row) : null,
  ].filter(Boolean));
  SECTIONS.forEach(updateMarks);
  setStatus(row.error === null ? summaryOf(row, change !== null) : `Could not be scored: ${row.error}.`, { isVisible: false });
}

function summaryOf(row, isChanged) {
  const change = row.p_overturned - (state.original?.p_overturned ?? row.p_overturned);
  const words = Math.abs(change) < 0.0005 ? "the same as the original" : `${points(change)} from the original`;
  return `${percent(row.p_overturned)} probability that the denial is overturned, ${row.outcome}${isChanged ? `; ${words}` : ""}.`;
}

function verdictOf(row) {
  const rates = [
    data.base_rate === null ? null : `base rate ${percent(data.base_rate)}`,
    row.cohort_rate === null ? null : `cohort ${percent(row.cohort_rate)} of ${counted(row.cohort_requests)} requests`,
  ].filter(Boolean).join(", ");
  const set = row.confident ? `only ${row.outcome}` : "no single outcome";
  return el("div", {},
    el("p", { class: "verdict" }, el("span", { class: "figure", id: "probability" }, percent(row.p_overturned)),
      el("span", {}, "probability that the denial is overturned", el("small", {}, rates))),
    el("p", { class: "set" }, chip(row.outcome), el("span", { class: "hint" }, `Prediction set at ${percent(data.coverage, 0)} coverage: ${set}.`)));
}

/** Plot the probability, the base rate and the rate of the cohort on one scale. */
function comparison(row) {
  const end = [0.25, 0.5, 1].find((share) => share >= Math.max(row.p_overturned, row.cohort_high ?? 0, data.base_rate ?? 0) * 1.05) ?? 1;
  const at = (share) => `${100 * share / end}%`;
  const tick = (share, name) => (share === null ? null : svg("line", { class: name, x1: at(share), x2: at(share), y1: "12%", y2: "88%" }));
  const hasCohort = row.cohort_rate !== null;
  return el("section", { class: "cohort" }, el("h3", {}, "Compared with other requests"),
    svg("svg", { class: "scale", "aria-hidden": "true" },
      svg("rect", { class: "track", y: "42%", width: "100%", height: "16%" }),
      hasCohort ? svg("rect", { class: "interval", x: at(row.cohort_low), y: "28%", width: at(row.cohort_high - row.cohort_low), height: "44%" }) : null,
      tick(row.cohort_rate, "cohort"), tick(data.base_rate, "mean"),
      svg("circle", { class: row.outcome, cx: at(row.p_overturned), cy: "50%", r: 6 })),
    el("p", { class: "axis", "aria-hidden": "true" }, el("span", {}, "0 %"), el("span", {}, percent(end / 2, 0)), el("span", {}, percent(end, 0))),
    el("ul", { class: "keys" },
      el("li", {}, el("i", { class: `dot ${row.outcome}` }), `this request ${percent(row.p_overturned)}`),
      data.base_rate === null ? null : el("li", {}, el("i", { class: "line mean" }), `base rate ${percent(data.base_rate)}`),
      hasCohort ? el("li", {}, el("i", { class: "line cohort" }), `cohort ${percent(row.cohort_rate)} (${percent(row.cohort_low)} to ${percent(row.cohort_high)})`) : null),
    el("p", { class: "hint" }, hasCohort
      ? `Cohort: ${counted(row.cohort_requests)} decided requests, ${data.names.tiers[row.cohort_tier] ?? row.cohort_tier}; share overturned with its 95 % interval. Base rate: share overturned in the training data.`
      : `No cohort: ${row.cohort_reason ?? "fewer than 20 similar requests were decided before this one"}.`));
}

function evidenceOf(row) {
  const kinds = Object.keys(KINDS).filter((kind) => entriesOf(row, kind).length);
  if (!kinds.includes(kindShown)) kindShown = kinds[0] ?? "outcome";
  const lists = el("div", { class: "evidence" });
  const fillLists = () => {
    lists.replaceChildren(...[legend(row, kindShown), ...evidenceLists(row, kindShown)].filter(Boolean));
    SECTIONS.forEach(updateMarks);
  };
  const choice = (kind) => el("label", {},
    el("input", { type: "radio", name: "kind", value: kind, checked: kind === kindShown, change: () => { kindShown = kind; fillLists(); } }),
    el("span", {}, KINDS[kind].label));
  fillLists();
  return el("section", {}, el("fieldset", { class: "choice" }, el("legend", {}, "Evidence for"), kinds.map(choice)), lists);
}

function ratesOf(row) {
  const wholePercent = (share) => (100 * share).toFixed(0);
  const line = (rate) => {
    const isCohort = Boolean(rate.tier) && rate.tier === row.cohort_tier;
    const cells = rate.rate === null ? [`${counted(rate.requests)} requests, too few`, "–", ""]
      : [`${counted(rate.overturned)} of ${counted(rate.requests)}`, percent(rate.rate), `${wholePercent(rate.low)} to ${wholePercent(rate.high)} %`];
    return el("tr", { class: isCohort ? "chosen" : null },
      el("th", { scope: "row" }, rate.name, isCohort ? el("small", {}, " (the cohort)") : null), cells.map((cell) => el("td", {}, cell)));
  };
  const heads = ["Decided requests", "Overturned", "Rate", "95 % interval"].map((head) => el("th", { scope: "col" }, head));
  const table = ({ source, rows }) => el("table", { class: "precedents rates" }, el("caption", {}, `In ${source}`),
    el("thead", {}, el("tr", {}, heads.map((head) => head.cloneNode(true)))), el("tbody", {}, rows.map(line)));
  return el("section", {}, el("h3", {}, "Rates of similar requests"), row.rates.filter(({ rows }) => rows.length).map(table));
}

/** List differences from the original in probability, prediction, families and evidence. */
function changeOf(row) {
  const first = state.original;
  if (first === null || isEqual(first.fields, row.fields) || row.error !== null) return null;
  const lines = [`Probability ${percent(first.p_overturned)} → ${percent(row.p_overturned)} (${points(row.p_overturned - first.p_overturned)})`];
  if (first.outcome !== row.outcome) lines.push(`Prediction ${first.outcome} → ${row.outcome}`);
  data.families.forEach((family, index) => {
    const [before, now] = [first.p_families[index], row.p_families[index]];
    if (before !== null && now !== null && Math.abs(now - before) >= 0.01) lines.push(`${familyName(family)} ${percent(before, 0)} → ${percent(now, 0)}`);
  });
  const terms = (scored) => new Map(entriesOf(scored, "outcome").map((entry) => [`${termOf(entry)} (${kindOf(entry)})`, entry.weight]));
  const [before, now] = [terms(first), terms(row)];
  for (const [term, weight] of now) if (!before.has(term)) lines.push(`New evidence: ${term} ${signed(weight)}`);
  for (const [term, weight] of before) if (!now.has(term)) lines.push(`No longer evidence: ${term} ${signed(weight)}`);
  return el("section", { class: "change" }, el("h3", {}, "Since the original"), el("ul", {}, lines.map((line) => el("li", {}, line))));
}

/** Update the marked copy of a text; evidence is marked only where the text is the scored one. */
function updateMarks(section) {
  const editor = editors[section];
  const text = editor.querySelector("textarea").value;
  const row = state.shown;
  const scored = row?.fields[section];
  const pieces = scored === undefined || !row.evidence ? [text] : markedText(withEditedText(row, section, scored, text), section, kindShown);
  // Without a character, an empty last line would have no height.
  editor.querySelector(".behind").replaceChildren(...pieces, "\u200b");
}

/** The row with the edited text and the evidence that the edit did not touch. */
function withEditedText(row, section, before, now) {
  if (before === now) return row;
  const [oldText, newText] = [[...before], [...now]];
  let head = 0;
  while (head < Math.min(oldText.length, newText.length) && oldText[head] === newText[head]) head++;
  let tail = 0;
  while (tail < Math.min(oldText.length, newText.length) - head && oldText.at(-1 - tail) === newText.at(-1 - tail)) tail++;
  const shift = newText.length - oldText.length;
  const place = ([start, end]) => (end <= head ? [[start, end]] : start >= oldText.length - tail ? [[start + shift, end + shift]] : []);
  const copy = { ...row, fields: { ...row.fields, [section]: now }, evidence: structuredClone(row.evidence) };
  for (const entry of entriesOf(copy, kindShown)) if (entry.section === section) entry.places = (entry.places ?? []).flatMap(place);
  return copy;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  await predict();
  if (matchMedia("(max-width: 900px)").matches) byId("answer").scrollIntoView({ block: "start" });
});
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  form.requestSubmit();
});
form.addEventListener("input", (event) => { if (inputs.includes(event.target)) onEdit(event); });
byId("letter").addEventListener("change", (event) => { openLetter(event.target.files[0]); event.target.value = ""; });
byId("restore").addEventListener("click", () => {
  const { fields } = state.original;
  for (const input of inputs) input.value = fields[input.name] ?? "";
  byId("restore").hidden = byId("rebase").hidden = true;
  predict();
  byId("request").focus();
});
byId("rebase").addEventListener("click", () => { state.original = null; predict(); byId("restore").hidden = byId("rebase").hidden = true; byId("predict").focus(); });
byId("clear").addEventListener("click", () => {
  state.letter++;
  fill({});
  byId("choice").hidden = true;
  byId("letter-status").textContent = "";
  setStatus(PROMPT);
  byId("request").focus();
});
// Letters can be dropped anywhere; without this, the browser would leave the page and open the file.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  byId("drop").classList.toggle("over", kind === "dragover");
  if (kind === "drop") openLetter(event.dataTransfer.files[0]);
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop").classList.remove("over"); });

SECTIONS.forEach(updateMarks);
document.body.dataset.ready = "";

// One request: what is typed -> its prediction, and what an edit changes. Nothing is kept but in this tab's memory.

const PAUSE_MS = 350;
const data = JSON.parse(byId("data").textContent);
const form = byId("form");
const inputs = [...form.querySelectorAll("textarea, .fields input, .fields select")];
const editors = Object.fromEntries(SECTIONS.map((name) => [name, form.querySelector(`[data-editor="${name}"]`)]));
// `hidden` are the letter's fields without an input: its case number and item, so that its own decision is no precedent.
const state = { hidden: {}, original: null, shown: null, pending: null, pause: 0, letter: 0 };

const familyName = (family) => data.names.families[family] ?? family;
const textOf = (row, section) => row.fields[section] ?? null;
const chip = (outcome) => el("span", { class: `chip ${outcome}` }, outcome);
const points = (change) => `${change < 0 ? "−" : "+"}${Math.abs(100 * change).toFixed(1)} points`;
const PROMPT = "Enter a request and its clinical summary, or open a letter.";

function fieldsNow() {
  const filled = inputs.filter((input) => input.value.trim()).map((input) => [input.name, input.value]);
  return { ...state.hidden, ...Object.fromEntries(filled) };
}

const areSame = (one, other) => JSON.stringify(Object.entries(one).sort()) === JSON.stringify(Object.entries(other).sort());

/** A line for everyone, or one for screen readers where the page shows the same. */
function say(line, { isBad = false, isShown = true } = {}) {
  byId("status").textContent = line;
  byId("status").className = isBad ? "bad" : isShown ? "" : "heard";
}

// Asking

/** The answer's JSON; an error says in one line what is wrong. */
async function ask(path, options) {
  let answer;
  try {
    answer = await fetch(path, { method: "POST", ...options });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("The desk does not answer. Is it still running in the terminal?");
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Error(body.detail ?? (answer.status === 503 ? "The desk is busy; try again." : `The desk refused (${answer.status}).`));
  return body;
}

async function predict() {
  clearTimeout(state.pause);
  state.pending?.abort();
  const fields = fieldsNow();
  if (!fields.request) return say("Enter the request.", { isBad: true });
  const pending = new AbortController();
  state.pending = pending;
  byId("answer").setAttribute("aria-busy", "true");
  try {
    const answer = await ask("/score", { signal: pending.signal, headers: { "Content-Type": "application/json" }, body: JSON.stringify(fields) });
    if (state.pending === pending) show(completed(answer, fields));
  } catch (error) {
    if (error.name !== "AbortError") say(error.message, { isBad: true });
  } finally {
    if (state.pending === pending) byId("answer").removeAttribute("aria-busy");
  }
}

function completed({ row, rates }, fields) {
  const families = row.families_pred ? row.families_pred.split("|") : [];
  return { ...row, fields, rates, families, outcome: row.error === null ? row.outcome_pred : "error" };
}

function edited(event) {
  const editor = event.target.closest(".editor");
  if (editor) paint(editor.dataset.editor);
  byId("restore").hidden = byId("rebase").hidden = state.original === null || areSame(fieldsNow(), state.original.fields);
  if (state.original === null) return;
  clearTimeout(state.pause);
  state.pause = setTimeout(predict, PAUSE_MS);
}

// Letters

async function openLetter(file) {
  if (!file) return;
  const status = (line, isBad = false) => {
    byId("letter-status").textContent = line;
    byId("letter-status").classList.toggle("bad", isBad);
  };
  const turn = ++state.letter;
  byId("choice").hidden = true;
  if (file.size > data.max_letter_bytes) return status(`${file.name}: larger than ${data.max_letter_bytes / 1e6} MB, the limit`, true);
  status(`Reading ${file.name} …`);
  try {
    const letter = await ask("/letter", { headers: { "X-Letter-Name": encodeURIComponent(file.name), "Content-Type": "application/octet-stream" }, body: file });
    if (turn !== state.letter) return;
    const kind = letter.is_sample ? " The letter is a SAMPLE, its people are invented." : "";
    const many = letter.requests.length > 1 ? `${letter.requests.length} requests; choose one.` : "1 request.";
    status(`${letter.name}: ${many}${kind}${letter.warnings.map((warning) => ` ${warning}.`).join("")}`);
    offer(letter.requests);
  } catch (error) {
    if (turn === state.letter) status(error.message, true);
  }
}

/** The requests of a letter to choose from; the first is chosen. */
function offer(requests) {
  const list = byId("choice");
  const choose = (request) => { fill(request); predict(); };
  list.hidden = requests.length < 2;
  list.replaceChildren(el("legend", {}, "Requests of the letter"), ...requests.map((request, number) =>
    el("label", {}, el("input", { type: "radio", name: "of-letter", value: String(number), checked: number === 0, change: () => choose(request) }),
      el("span", {}, request.request))));
  choose(requests[0]);
}

function fill(fields) {
  const names = new Set(inputs.map((input) => input.name));
  state.hidden = Object.fromEntries(Object.entries(fields).filter(([name]) => !names.has(name)));
  for (const input of inputs) input.value = fields[input.name] ?? "";
  forget();
}

/** Begin anew with what the fields hold. */
function forget() {
  clearTimeout(state.pause);
  state.pending?.abort();
  Object.assign(state, { original: null, shown: null, pending: null });
  byId("restore").hidden = byId("rebase").hidden = true;
  byId("answer").removeAttribute("aria-busy");
  byId("result").replaceChildren();
  SECTIONS.forEach(paint);
}

// Showing

function show(row) {
  state.shown = row;
  if (row.error === null) state.original ??= row;
  const change = changeOf(row);
  byId("result").replaceChildren(...[
    row.error === null ? verdictOf(row) : el("p", { class: "failed" }, el("b", {}, "Could not be scored: "), row.error),
    row.in_training ? el("p", { class: "hint" }, "The model was trained on this case: its prediction is closer than for a new request.") : null,
    row.warnings ? el("p", { class: "hint" }, `Warnings: ${row.warnings}`) : null,
    change, row.error === null ? comparison(row) : null,
    row.evidence ? evidenceOf(row) : null,
    row.p_families && row.primary_family ? familySection(row) : null,
    row.rates.some(({ rows }) => rows.length) ? ratesOf(row) : null,
    row.precedents ? precedentSection(row) : null,
  ].filter(Boolean));
  SECTIONS.forEach(paint);
  say(row.error === null ? summaryOf(row, change !== null) : `Could not be scored: ${row.error}.`, { isShown: false });
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
  const set = row.confident ? `${row.outcome} alone` : "does not settle on one outcome";
  return el("div", {},
    el("p", { class: "verdict" }, el("span", { class: "figure", id: "probability" }, percent(row.p_overturned)),
      el("span", {}, "probability that the denial is overturned", el("small", {}, rates))),
    el("p", { class: "set" }, chip(row.outcome), el("span", { class: "hint" }, `Prediction set at ${percent(data.coverage, 0)} coverage: ${set}.`)));
}

/** The probability beside the base rate and the cohort's rate, on one scale. */
function comparison(row) {
  const end = [0.25, 0.5, 1].find((one) => one >= Math.max(row.p_overturned, row.cohort_high ?? 0, data.base_rate ?? 0) * 1.05) ?? 1;
  const at = (share) => `${100 * share / end}%`;
  const tick = (share, name) => (share === null ? null : svg("line", { class: name, x1: at(share), x2: at(share), y1: "12%", y2: "88%" }));
  const hasCohort = row.cohort_rate !== null;
  return el("section", { class: "cohort" }, el("h3", {}, "Beside other requests"),
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
      ? `Cohort: ${counted(row.cohort_requests)} decided requests, ${data.names.tiers[row.cohort_tier] ?? row.cohort_tier}; share overturned with its 95 % interval. Base rate: all requests that the model learned from.`
      : `No cohort: ${row.cohort_reason ?? "less than 20 requests were decided before this one was made"}.`));
}

function evidenceOf(row) {
  const kinds = Object.keys(KINDS).filter((kind) => entriesOf(row, kind).length);
  if (!kinds.includes(kindShown)) kindShown = kinds[0] ?? "outcome";
  const lists = el("div", { class: "evidence" });
  const fillLists = () => {
    lists.replaceChildren(...[legend(row, kindShown), ...evidenceLists(row, kindShown)].filter(Boolean));
    SECTIONS.forEach(paint);
  };
  const choice = (kind) => el("label", {},
    el("input", { type: "radio", name: "kind", value: kind, checked: kind === kindShown, change: () => { kindShown = kind; fillLists(); } }),
    el("span", {}, KINDS[kind].label));
  fillLists();
  return el("section", {}, el("fieldset", { class: "choice" }, el("legend", {}, "Evidence for"), kinds.map(choice)), lists);
}

function ratesOf(row) {
  const whole = (share) => (100 * share).toFixed(0);
  const line = (one) => {
    const isCohort = Boolean(one.tier) && one.tier === row.cohort_tier;
    const cells = one.rate === null ? [`${counted(one.requests)} requests, too few`, "–", ""]
      : [`${counted(one.overturned)} of ${counted(one.requests)}`, percent(one.rate), `${whole(one.low)} to ${whole(one.high)} %`];
    return el("tr", { class: isCohort ? "chosen" : null },
      el("th", { scope: "row" }, one.name, isCohort ? el("small", {}, " (the cohort)") : null), cells.map((cell) => el("td", {}, cell)));
  };
  const heads = ["Decided requests", "Overturned", "Rate", "95 % interval"].map((head) => el("th", { scope: "col" }, head));
  const table = ({ source, rows }) => el("table", { class: "precedents rates" }, el("caption", {}, `In ${source}`),
    el("thead", {}, el("tr", {}, heads.map((head) => head.cloneNode(true)))), el("tbody", {}, rows.map(line)));
  return el("section", {}, el("h3", {}, "Rates behind it"), row.rates.filter(({ rows }) => rows.length).map(table));
}

/** What differs from the original: probability, prediction set, families, evidence. */
function changeOf(row) {
  const first = state.original;
  if (first === null || areSame(first.fields, row.fields) || row.error !== null) return null;
  const lines = [`Probability ${percent(first.p_overturned)} → ${percent(row.p_overturned)} (${points(row.p_overturned - first.p_overturned)})`];
  if (first.outcome !== row.outcome) lines.push(`Prediction ${first.outcome} → ${row.outcome}`);
  data.families.forEach((family, place) => {
    const [before, now] = [first.p_families[place], row.p_families[place]];
    if (before !== null && now !== null && Math.abs(now - before) >= 0.01) lines.push(`${familyName(family)} ${percent(before, 0)} → ${percent(now, 0)}`);
  });
  const terms = (some) => new Map(entriesOf(some, "outcome").map((entry) => [`${termOf(entry)} (${kindOf(entry)})`, entry.weight]));
  const [before, now] = [terms(first), terms(row)];
  for (const [term, weight] of now) if (!before.has(term)) lines.push(`New evidence: ${term} ${signed(weight)}`);
  for (const [term, weight] of before) if (!now.has(term)) lines.push(`No longer among it: ${term} ${signed(weight)}`);
  return el("section", { class: "change" }, el("h3", {}, "Since the original"), el("ul", {}, lines.map((line) => el("li", {}, line))));
}

/** The text behind a field, with evidence marked where the text is as it was scored. */
function paint(section) {
  const editor = editors[section];
  const text = editor.querySelector("textarea").value;
  const row = state.shown;
  const scored = row?.fields[section];
  const pieces = scored === undefined || !row.evidence ? [text] : markedText(moved(row, section, scored, text), section, kindShown);
  // A last line that is empty has a height of its own.
  editor.querySelector(".behind").replaceChildren(...pieces, "\u200b");
}

/** The row with this text, and only evidence whose place an edit left whole. */
function moved(row, section, before, now) {
  if (before === now) return row;
  const [old, fresh] = [[...before], [...now]];
  let head = 0;
  while (head < Math.min(old.length, fresh.length) && old[head] === fresh[head]) head++;
  let tail = 0;
  while (tail < Math.min(old.length, fresh.length) - head && old.at(-1 - tail) === fresh.at(-1 - tail)) tail++;
  const shift = fresh.length - old.length;
  const place = ([start, end]) => (end <= head ? [[start, end]] : start >= old.length - tail ? [[start + shift, end + shift]] : []);
  const copy = { ...row, fields: { ...row.fields, [section]: now }, evidence: structuredClone(row.evidence) };
  for (const entry of entriesOf(copy, kindShown)) if (entry.section === section) entry.places = (entry.places ?? []).flatMap(place);
  return copy;
}

// Listening

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
form.addEventListener("input", (event) => { if (inputs.includes(event.target)) edited(event); });
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
  say(PROMPT);
  byId("request").focus();
});
// A letter may be dropped anywhere; without this the browser would open it in the desk's place.
for (const kind of ["dragover", "drop"]) addEventListener(kind, (event) => {
  if (!event.dataTransfer?.types.includes("Files")) return;
  event.preventDefault();
  byId("drop").classList.toggle("over", kind === "dragover");
  if (kind === "drop") openLetter(event.dataTransfer.files[0]);
});
addEventListener("dragleave", (event) => { if (!event.relatedTarget) byId("drop").classList.remove("over"); });

SECTIONS.forEach(paint);
document.body.dataset.ready = "";

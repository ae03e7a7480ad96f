// The panel with the details of a request: prediction, cohort, evidence in its texts, precedents.

const panel = byId("panel");
let opened = null;
let kindShown = "outcome";

/** Open a row's panel and, by default, move the focus to it. */
function open(row, { focus = true } = {}) {
  opened = row;
  panel.replaceChildren(...[bar(row), content(row)]);
  panel.hidden = false;
  panel.scrollTop = 0;
  document.body.classList.add("with-panel");
  settleModality();
  markCurrent();
  if (focus) byId("panel-title").focus({ preventScroll: true });
}

function close() {
  const row = opened;
  opened = null;
  panel.hidden = true;
  document.body.classList.remove("with-panel");
  settleModality();
  history.replaceState(null, "", location.pathname + location.search);
  markCurrent();
  const anchor = row && anchorOf(row);
  if (anchor) focusRow(anchor);
}

/** Make the page inert where the panel covers it. */
function settleModality() {
  byId("page").inert = opened !== null && matchMedia("(max-width: 900px)").matches;
}

/** Open the previous or next row in the order of the table. */
function step(by) {
  const next = view.matches[view.matches.indexOf(opened) + by];
  if (!next) return;
  history.replaceState(null, "", `#row-${next.number}`);
  showPage(Math.floor(view.matches.indexOf(next) / PAGE_ROWS));
  open(next, { focus: false });
  anchorOf(next)?.scrollIntoView({ block: "nearest" });
}

function bar(row) {
  const at = view.matches.indexOf(row);
  const button = (label, by, isOff) => el("button", {
    type: "button", disabled: isOff, "data-step": by,
    click: () => { step(by); (panel.querySelector(`[data-step="${by}"]:enabled`) ?? byId("panel-title")).focus(); },
  }, label);
  return el("div", { class: "panel-bar" },
    button("← Previous", -1, at <= 0), button("Next →", 1, at < 0 || at === view.matches.length - 1),
    el("button", { type: "button", class: "close", click: close, "aria-keyshortcuts": "Escape" }, "Close"));
}

function content(row) {
  const item = row.item === null ? "" : `, item ${row.item}`;
  return el("div", { class: "panel-content" },
    el("h2", { id: "panel-title", tabindex: -1 }, `${row.name}${item}`, data.is_sample ? el("span", { class: "tag" }, "SAMPLE") : null),
    el("p", { class: "background" }, background(row)),
    row.error === null ? verdict(row) : el("p", { class: "failed" }, el("b", {}, "Could not be scored: "), row.error),
    row.in_training ? el("p", { class: "hint" }, "The model was trained on this case: its prediction is more accurate than for a new request.") : null,
    row.warnings ? el("p", { class: "hint" }, `Warnings: ${row.warnings}`) : null,
    row.cohort_rate === null ? (row.cohort_reason === null ? null : noCohort(row)) : cohortFigure(row),
    row.evidence ? evidenceSection(row) : texts(row, kindShown),
    row.p_families && row.primary_family ? familySection(row) : null,
    row.precedents ? precedentSection(row) : null);
}

function background(row) {
  const age = row.age === null ? null : `age ${row.age}`;
  const denied = row.ur_denial_date === null ? null : `denied by UR ${row.ur_denial_date}`;
  return [row.category, age, row.sex, denied, `row ${row.number}`].filter((fact) => fact !== null && fact !== undefined).join(" · ");
}

function verdict(row) {
  const confident = row.confident ? "confident" : "not confident";
  return el("p", { class: "verdict" },
    el("span", { class: "figure" }, percent(row.p_overturned)), el("span", {}, "probability that the denial is overturned"),
    chip(row.outcome), row.outcome === "uncertain" ? null : el("small", {}, confident));
}

function noCohort(row) {
  return el("section", { class: "cohort" }, el("h3", {}, "Cohort"), el("p", { class: "hint" }, `No cohort: ${row.cohort_reason}.`));
}

function cohortFigure(row) {
  const at = (share) => `${100 * share}%`;
  const tick = (share, name) => (share === null ? null : svg("line", { class: name, x1: at(share), x2: at(share), y1: "15%", y2: "85%" }));
  const scale = svg("svg", { class: "scale", "aria-hidden": "true" },
    svg("rect", { class: "track", y: "42%", width: "100%", height: "16%" }),
    svg("rect", { class: "interval", x: at(row.cohort_low), y: "28%", width: at(row.cohort_high - row.cohort_low), height: "44%" }),
    tick(row.cohort_rate, "cohort"), tick(data.mean_p, "mean"),
    row.p_overturned === null ? null : svg("circle", { class: row.outcome, cx: at(row.p_overturned), cy: "50%", r: 6 }));
  const interval = `${percent(row.cohort_low)} to ${percent(row.cohort_high)}`;
  return el("section", { class: "cohort" }, el("h3", {}, "Cohort"), scale,
    el("ul", { class: "keys" },
      el("li", {}, el("i", { class: `dot ${row.outcome}` }), `this request ${percent(row.p_overturned)}`),
      el("li", {}, el("i", { class: "line cohort" }), `cohort ${percent(row.cohort_rate)} (${interval})`),
      data.mean_p === null ? null : el("li", {}, el("i", { class: "line mean" }), `batch ${percent(data.mean_p)}`)),
    el("p", { class: "hint" }, `${counted(row.cohort_requests)} decided requests: ${data.names.tiers[row.cohort_tier] ?? row.cohort_tier}. Share overturned with its 95 % interval; batch: mean of p_overturned.`));
}

function evidenceSection(row) {
  const shown = el("div", { class: "evidence" });
  const kinds = Object.keys(KINDS).filter((kind) => entriesOf(row, kind).length);
  if (!kinds.includes(kindShown)) kindShown = kinds[0] ?? "outcome";
  const show = () => shown.replaceChildren(...[legend(row, kindShown), ...texts(row, kindShown), el("h3", {}, "Evidence"), ...evidenceLists(row, kindShown)].filter(Boolean));
  const choice = (kind) => el("label", {},
    el("input", { type: "radio", name: "kind", value: kind, checked: kind === kindShown, change: () => { kindShown = kind; show(); } }),
    el("span", {}, KINDS[kind].label));
  show();
  return el("section", {}, el("fieldset", { class: "choice" }, el("legend", {}, "Evidence for"), kinds.map(choice)), shown);
}

function texts(row, kind) {
  return SECTIONS.filter((section) => textOf(row, section) !== null).map((section) =>
    el("section", { class: "text", "data-section": section }, el("h3", {}, data.names.sections[section]),
      el("p", { dir: "auto" }, markedText(row, section, kind)),
      data.cut.includes(row[section]) ? el("p", { class: "hint" }, `This page shows only the first ${counted(data.longest_text)} characters; the scored file contains the full text.`) : null));
}

function familySection(row) {
  const lines = data.families
    .map((family, index) => ({ family, p: row.p_families[index] ?? 0 }))
    .sort((first, second) => second.p - first.p)
    .map(({ family, p }) => el("li", { class: row.families.includes(family) ? "expected" : null },
      el("span", {}, familyName(family), row.families.includes(family) ? el("small", {}, "predicted") : null),
      svg("svg", { class: "bar", "aria-hidden": "true" }, svg("rect", { class: "plain", width: `${100 * p}%`, height: "100%" })),
      el("span", { class: "weight" }, percent(p, 0))));
  const chapter = row.acoem_chapter === null ? null : el("p", { class: "hint" }, `Predicted ACOEM chapter: ${spaced(row.acoem_chapter)}`);
  return el("section", {}, el("h3", {}, "Predicted guideline families"), el("ul", { class: "weights chances" }, lines), chapter);
}

function precedentSection(row) {
  const heads = ["Case number", "Item", "Outcome", "Families cited", "Year", "Similarity"];
  const line = (precedent) => el("tr", {},
    el("th", { scope: "row" }, precedent.case_number ?? "unknown", precedent.request ? el("p", { class: "hint", dir: "auto" }, precedent.request) : null),
    el("td", {}, String(precedent.item ?? "")), el("td", {}, chip(precedent.outcome)), el("td", {}, (precedent.families ?? []).map(familyName).join(", ")),
    el("td", {}, String(precedent.decided ?? "")), el("td", {}, precedent.similarity.toFixed(2)));
  const table = el("table", { class: "precedents" },
    el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))), el("tbody", {}, row.precedents.map(line)));
  return el("section", {}, el("h3", {}, "Precedents"),
    row.precedents.length ? table : el("p", { class: "hint" }, `No precedent: ${row.precedents_reason ?? "no earlier decided request is similar"}.`));
}

// The table: rows as elements, sorting by column, pages and keyboard navigation.

const PAGE_ROWS = 50;
const MOST_PRINTED = 1000;
const has = (field) => rows.some((row) => row[field] !== null);
const COLUMNS = [
  { key: "number", label: "Row", cell: (row) => String(row.number) },
  { key: "name", label: "Case number", cell: (row) => [link(row), row.item === null ? null : el("small", { class: "with-item" }, `item ${row.item}`)] },
  { key: "item", label: "Item", cell: (row) => (row.item === null ? "" : String(row.item)) },
  { key: "request", label: "Request", cell: (row) => clamped(textOf(row, "request") ?? "") },
  { key: "p_overturned", label: "P(overturned)", cell: (row) => probability(row) },
  { key: "outcome", label: "Outcome", cell: (row) => chip(row.outcome) },
  { key: "primary_family", label: "Primary family", cell: (row) => (row.primary_family ? familyName(row.primary_family) : ""), needs: "primary_family" },
  { key: "families", label: "Families", cell: (row) => clamped(row.families.map(familyName).join(", ")), needs: "families_pred" },
  { key: "confident", label: "Confident", cell: (row) => (row.confident === null ? "" : row.confident ? "yes" : "no") },
  { key: "cohort_rate", label: "Cohort rate", cell: (row) => cohort(row), needs: "cohort_rate" },
  { key: "error", label: "Error", cell: (row) => clamped(row.error ?? ""), needs: "error" },
].filter((column) => !column.needs || has(column.needs));

const FILTERS = ["category", "treatment", "body_part", "family", "outcome", "confidence"];
const unfiltered = () => Object.fromEntries(["query", ...FILTERS].map((id) => [id, ""]));
const view = { ...unfiltered(), key: "number", down: false, page: 0, matches: rows };
const body = el("tbody", { role: "rowgroup", keydown: moved });

function link(row) {
  return el("a", { href: `#row-${row.number}`, tabindex: -1 }, row.name);
}

function clamped(text) {
  return el("span", { class: "clamped", title: text.length > 40 ? text : null }, text);
}

function chip(outcome) {
  return el("span", { class: `chip ${outcome}` }, outcome ?? "");
}

function probability(row) {
  if (row.p_overturned === null) return "";
  const bar = svg("svg", { class: "bar", "aria-hidden": "true" },
    svg("rect", { class: row.outcome, width: `${100 * row.p_overturned}%`, height: "100%" }));
  return [el("span", {}, percent(row.p_overturned)), bar];
}

function cohort(row) {
  if (row.cohort_rate === null) return "";
  const interval = `${percent(row.cohort_low, 0).replace(" %", "")}–${percent(row.cohort_high, 0)}`;
  return [percent(row.cohort_rate), el("small", { title: `95 % interval, ${row.cohort_requests} requests` }, interval)];
}

/** Build the table with its header. */
function built() {
  const heads = COLUMNS.map((column) =>
    el("th", { scope: "col", role: "columnheader", class: column.key, "data-key": column.key },
      el("button", { type: "button", click: () => sortBy(column.key) }, column.label)));
  return el("table", { role: "table", "aria-label": "Requests" },
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, heads)), body);
}

/** Filter and sort the rows, and show the first page or the page of a row. */
function refresh(row = null) {
  view.matches = sorted(searched(passing(rows, view), view.query), view.key, view.down);
  for (const head of document.querySelectorAll("#table th[data-key]")) {
    const isKey = head.dataset.key === view.key;
    head.setAttribute("aria-sort", isKey ? (view.down ? "descending" : "ascending") : "none");
  }
  byId("order").value = `${view.key} ${view.down}`;
  const { matches } = view;
  byId("status").textContent = matches.length === rows.length
    ? `${counted(rows.length)} requests`
    : `${counted(matches.length)} of ${counted(rows.length)} requests`;
  showPage(row ? Math.max(0, Math.floor(matches.indexOf(row) / PAGE_ROWS)) : 0);
}

function showPage(page, size = PAGE_ROWS) {
  const { matches } = view;
  view.page = page;
  const shown = matches.slice(page * size, (page + 1) * size);
  body.replaceChildren(...shown.map(rowElement));
  if (!shown.length) body.append(el("tr", { class: "nothing" }, el("td", { colspan: COLUMNS.length }, "No request matches. Reset the filters to see all requests.")));
  body.querySelector("a")?.setAttribute("tabindex", "0");
  byId("place").textContent = shown.length ? `${counted(page * size + 1)}–${counted(page * size + shown.length)} of ${counted(matches.length)}` : "";
  byId("earlier").disabled = page === 0;
  byId("later").disabled = (page + 1) * size >= matches.length;
  byId("place").parentElement.hidden = matches.length <= size;
  markCurrent();
}

function rowElement(row) {
  const cells = COLUMNS.map((column) => {
    const named = column.key === "name";
    return el(named ? "th" : "td", { class: column.key, role: named ? "rowheader" : "cell", scope: named ? "row" : null }, column.cell(row));
  });
  return el("tr", { role: "row", "data-row": row.number, click: (event) => clicked(event, row) }, cells);
}

function clicked(event, row) {
  // Ignore clicks that select text, and clicks on the link.
  if (event.target.closest("a") || String(getSelection())) return;
  location.hash = `row-${row.number}`;
}

function sortBy(key, down = view.key === key ? !view.down : key === "p_overturned" || key === "cohort_rate") {
  Object.assign(view, { key, down });
  refresh();
}

const STEPS = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };

/** Move to another row with the arrow keys, to another page with PageUp and PageDown. */
function moved(event) {
  const links = [...body.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  if (at < 0 || event.altKey || event.ctrlKey || event.metaKey) return;
  if (event.key in STEPS) focusRow(links[Math.min(links.length - 1, Math.max(0, at + STEPS[event.key]))]);
  else if (event.key === "PageDown" && !byId("later").disabled) { showPage(view.page + 1); focusRow(body.querySelector("a")); }
  else if (event.key === "PageUp" && !byId("earlier").disabled) { showPage(view.page - 1); focusRow(body.querySelector("a")); }
  else return;
  event.preventDefault();
}

function focusRow(anchor) {
  for (const other of body.querySelectorAll("a[tabindex='0']")) other.setAttribute("tabindex", "-1");
  anchor.setAttribute("tabindex", "0");
  anchor.focus();
}

/** Return the link of a row if its page is shown. */
const anchorOf = (row) => body.querySelector(`tr[data-row="${row.number}"] a`);

function markCurrent() {
  for (const element of body.querySelectorAll("tr")) {
    const isOpen = opened !== null && element.dataset.row === String(opened.number);
    if (isOpen) element.setAttribute("aria-current", "true");
    else element.removeAttribute("aria-current");
  }
}

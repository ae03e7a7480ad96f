// Connect the controls to the table and the panel.

const SEARCH_PAUSE_MS = 120;

function rowOfHash() {
  const number = /^#row-(\d+)$/.exec(location.hash)?.[1];
  return number ? rows[Number(number) - 1] ?? null : null;
}

function followHash() {
  const row = rowOfHash();
  if (!row) {
    if (opened) close();
    return;
  }
  if (!view.matches.includes(row)) resetFilters(row);
  else showPage(Math.floor(view.matches.indexOf(row) / PAGE_ROWS));
  open(row);
  anchorOf(row)?.scrollIntoView({ block: "nearest" });
}

function resetFilters(row = null) {
  Object.assign(view, unfiltered());
  for (const id of ["query", ...FILTERS]) byId(id).value = "";
  refresh(row);
}

function fillChoices() {
  const options = (id, values, name) => byId(id).append(...values.map((value) => el("option", { value }, name(value))));
  const outcomes = ["overturned", "uncertain", "upheld", "error"].filter((outcome) => rows.some((row) => row.outcome === outcome));
  const families = data.families.filter((family) => rows.some((row) => row.families.includes(family)));
  options("outcome", outcomes, (outcome) => outcome);
  options("family", families, familyName);
  const distinct = (valuesOf) => [...new Set(rows.flatMap(valuesOf))].filter(Boolean).sort();
  options("category", distinct((row) => row.category), (category) => category);
  for (const id of ["treatment", "body_part"]) options(id, distinct((row) => row[id]), plainName);
  for (const id of ["category", "treatment", "body_part", "family"]) byId(id).parentElement.hidden = byId(id).options.length < 2;
  const orders = COLUMNS.flatMap(({ key, label }) => [[key, false, `${label}, ascending`], [key, true, `${label}, descending`]]);
  byId("order").append(...orders.map(([key, down, label]) => el("option", { value: `${key} ${down}` }, label)));
}

function listen() {
  let pause = 0;
  byId("query").addEventListener("input", (event) => {
    clearTimeout(pause);
    pause = setTimeout(() => { view.query = event.target.value; refresh(); }, SEARCH_PAUSE_MS);
  });
  for (const id of FILTERS) byId(id).addEventListener("change", (event) => { view[id] = event.target.value; refresh(); });
  byId("order").addEventListener("change", (event) => { const [key, down] = event.target.value.split(" "); sortBy(key, down === "true"); });
  byId("filters").addEventListener("submit", (event) => event.preventDefault());
  byId("filters").addEventListener("reset", (event) => { event.preventDefault(); resetFilters(); });
  byId("earlier").addEventListener("click", () => turnPage(-1));
  byId("later").addEventListener("click", () => turnPage(1));
  for (const button of document.querySelectorAll("button[data-filter]")) button.addEventListener("click", () => filterBy(button.dataset));
  addEventListener("hashchange", followHash);
  addEventListener("keydown", pressed);
  addEventListener("resize", settleModality);
  addEventListener("beforeprint", () => showPage(0, MOST_PRINTED));
  addEventListener("afterprint", () => showPage(0));
}

function turnPage(by) {
  showPage(view.page + by);
  byId("requests").scrollIntoView({ block: "start" });
}

function filterBy({ filter, value }) {
  view[filter] = view[filter] === value ? "" : value;
  byId(filter).value = view[filter];
  refresh();
  byId("requests").scrollIntoView({ block: "nearest" });
}

function pressed(event) {
  const isTyping = event.target.matches?.("input[type=search], select, textarea");
  if (event.key === "Escape" && opened && !isTyping) close();
  else if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !byId("page").inert) {
    event.preventDefault();
    byId("query").focus();
  }
}

fillChoices();
byId("table").append(built());
listen();
refresh();
followHash();

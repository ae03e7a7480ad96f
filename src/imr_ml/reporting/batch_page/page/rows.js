// The rows of the page and which of them are shown, in which order. Knows nothing of elements but the data's.

const data = JSON.parse(byId("data").textContent);

const rows = data.rows.map((values, number) => {
  const row = { number: number + 1 };
  data.fields.forEach((field, place) => { row[field] = values[place]; });
  row.families = row.families_pred ? row.families_pred.split("|") : [];
  row.treatment = row.treatments ? row.treatments.split("|") : [];
  row.body_part = row.body_parts ? row.body_parts.split("|") : [];
  row.outcome = row.error === null ? row.outcome_pred : "error";
  row.name = String(row.case_number ?? row.file ?? `row ${row.number}`);
  return row;
});

const textOf = (row, section) => (row[section] === null ? null : data.texts[row[section]]);
const plainName = (name) => name.replaceAll("_", " ");
const familyName = (family) => data.names.families[family] ?? family;

const ORDERS = {
  number: (row) => row.number,
  name: (row) => row.name,
  item: (row) => row.item,
  request: (row) => textOf(row, "request"),
  p_overturned: (row) => row.p_overturned,
  outcome: (row) => row.outcome,
  primary_family: (row) => row.primary_family,
  families: (row) => row.families_pred,
  confident: (row) => (row.confident === null ? null : Number(row.confident)),
  cohort_rate: (row) => row.cohort_rate,
  error: (row) => row.error,
};
const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** Rows in an order; what is missing stands last, equal ones as they were. */
function sorted(some, key, down) {
  const sign = down ? -1 : 1;
  const compare = (one, other) =>
    typeof one === "number" && typeof other === "number" ? one - other : collator.compare(one, other);
  return some
    .map((row) => ({ row, value: ORDERS[key](row) ?? null }))
    .sort((one, other) => {
      if (one.value === null || other.value === null) return (one.value === null) - (other.value === null);
      return sign * compare(one.value, other.value);
    })
    .map((entry) => entry.row);
}

let folded = null;

/** Rows that hold every word of a query in their names, families, reasons or texts. */
function searched(some, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return some;
  folded ??= {
    texts: data.texts.map((text) => text.toLowerCase()),
    rows: rows.map((row) =>
      [row.name, row.file, row.category, row.families_pred, ...row.families.map(familyName), row.outcome, row.error]
        .filter((value) => value !== null).join("\n").toLowerCase()),
  };
  const found = words.map((word) => folded.texts.map((text) => text.includes(word)));
  return some.filter((row) => words.every((word, number) =>
    folded.rows[row.number - 1].includes(word) ||
    ["request", "clinical_summary", "ur_guideline"].some((section) => row[section] !== null && found[number][row[section]])));
}

/** Rows that pass the filters. */
function passing(some, { category, treatment, body_part, family, outcome, confidence }) {
  return some.filter((row) =>
    (!category || row.category === category) &&
    (!treatment || row.treatment.includes(treatment)) &&
    (!body_part || row.body_part.includes(body_part)) &&
    (!family || row.families.includes(family)) &&
    (!outcome || row.outcome === outcome) &&
    (!confidence || row.confident === (confidence === "yes")));
}

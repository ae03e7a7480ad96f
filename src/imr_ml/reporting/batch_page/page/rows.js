// Read, sort, search and filter the rows. The only element used here is the one with the data.

const data = JSON.parse(byId("data").textContent);

const rows = data.rows.map((values, number) => {
  const row = { number: number + 1 };
  data.fields.forEach((field, index) => { row[field] = values[index]; });
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

/** Sort rows by a key; missing values come last, and ties keep their order. */
function sorted(rows, key, down) {
  const sign = down ? -1 : 1;
  const compare = (first, second) =>
    typeof first === "number" && typeof second === "number" ? first - second : collator.compare(first, second);
  return rows
    .map((row) => ({ row, value: ORDERS[key](row) ?? null }))
    .sort((first, second) => {
      if (first.value === null || second.value === null) return (first.value === null) - (second.value === null);
      return sign * compare(first.value, second.value);
    })
    .map((entry) => entry.row);
}

let folded = null;

/** Return the rows that contain every word of a query in their names, families, reasons or texts. */
function searched(candidates, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return candidates;
  folded ??= {
    texts: data.texts.map((text) => text.toLowerCase()),
    rows: rows.map((row) =>
      [row.name, row.file, row.category, row.families_pred, ...row.families.map(familyName), row.outcome, row.error]
        .filter((value) => value !== null).join("\n").toLowerCase()),
  };
  const inText = words.map((word) => folded.texts.map((text) => text.includes(word)));
  return candidates.filter((row) => words.every((word, number) =>
    folded.rows[row.number - 1].includes(word) ||
    ["request", "clinical_summary", "ur_guideline"].some((section) => row[section] !== null && inText[number][row[section]])));
}

/** Return the rows that match the filters. */
function passing(candidates, { category, treatment, body_part, family, outcome, confidence }) {
  return candidates.filter((row) =>
    (!category || row.category === category) &&
    (!treatment || row.treatment.includes(treatment)) &&
    (!body_part || row.body_part.includes(body_part)) &&
    (!family || row.families.includes(family)) &&
    (!outcome || row.outcome === outcome) &&
    (!confidence || row.confident === (confidence === "yes")));
}

// Positions in texts. The batch counts characters (code points), a browser counts UTF-16 units: an emoji is one
// character and two units.

const ASTRAL = /[\ud800-\udbff][\udc00-\udfff]/;

/** Return a function from a position in characters to one in UTF-16 units. */
function unitsOf(text) {
  if (!ASTRAL.test(text)) return (position) => Math.min(position, text.length);
  const starts = [];
  let unit = 0;
  for (const character of text) {
    starts.push(unit);
    unit += character.length;
  }
  return (position) => starts[position] ?? text.length;
}

/** Split a text into pieces, each with the spans that cover it. A span is {start, end} in characters, half-open. */
function piecesOf(text, spans) {
  const unit = unitsOf(text);
  const placed = spans
    .map((span) => ({ ...span, start: unit(span.start), end: unit(span.end) }))
    .filter((span) => span.start < span.end);
  const cuts = new Set([0, text.length, ...placed.flatMap((span) => [span.start, span.end])]);
  const edges = [...cuts].sort((first, second) => first - second);
  return edges.slice(0, -1).map((start, number) => ({
    text: text.slice(start, edges[number + 1]),
    spans: placed.filter((span) => span.start <= start && span.end > start),
  }));
}

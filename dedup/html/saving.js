// The stories that the filters leave, as a file: a row for each article.

const COLUMNS = ["story_id", "episode", "id", "title", "published", "source", "url", "language", "membership"];

function rowsOf(chosen) {
  return chosen.flatMap((story) =>
    story.articles.map((article) => [story.id, (article.episode ?? 0) + 1, ...COLUMNS.slice(2).map((name) => article[name] ?? "")]),
  );
}

/** A cell that begins like a formula would be one in a spreadsheet: an article must not say what it computes. */
function cell(value) {
  const text = String(value);
  const plain = typeof value === "string" && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(plain) ? `"${plain.replaceAll('"', '""')}"` : plain;
}

function asCsv(rows) {
  // With a mark of its encoding, without which spreadsheets take it for another.
  return "\ufeff" + [COLUMNS, ...rows].map((row) => row.map(cell).join(",")).join("\r\n") + "\r\n";
}

function asJson(rows) {
  return JSON.stringify(rows.map((row) => Object.fromEntries(row.map((value, place) => [COLUMNS[place], value]))), null, 1);
}

function save(name, type, content) {
  const address = URL.createObjectURL(new Blob([content], { type }));
  make("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

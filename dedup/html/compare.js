// Two articles side by side: what makes them alike, and the passages that both have marked.

const RUN = 4; // words in a row that make a shared passage

function compareButton(one, two) {
  const button = make("button", { type: "button", className: "small" }, "Compare");
  button.ariaLabel = `Compare “${one.title}” with “${two.title}”`;
  button.addEventListener("click", () => compare(one, two));
  return button;
}

function compare(one, two) {
  const some = [one, two].flatMap((article) => article.story.articles.slice(0, 200));
  const offered = [...new Set([one, two, ...some])];
  for (const [id, article] of [["left", one], ["right", two]]) {
    const options = offered.map((other, place) => new Option(`${other.source || other.id}: ${other.title}`, place));
    find(id).replaceChildren(...options);
    find(id).value = String(offered.indexOf(article));
    find(id).onchange = () => showPair(...["left", "right"].map((side) => offered[find(side).value]));
  }
  showPair(one, two);
  find("comparison").showModal();
}

async function showPair(one, two) {
  find("alike").replaceChildren(...alike(one, two));
  const texts = await Promise.all([textOf(one), textOf(two)]);
  const [left, right] = texts.map(wordsOf);
  const [inLeft, inRight] = [passages(left, right), passages(right, left)];
  const share = ({ words }, total) => (total ? Math.round((100 * words) / total) : 0);
  const shares = `${share(inLeft, left.length)} % of the left and ${share(inRight, right.length)} % of the right`;
  find("shared").textContent = inLeft.bounds.length
    ? `Marked: runs of ${RUN} or more words that both have, ${shares}.`
    : `No run of ${RUN} words is in both.`;
  find("left-text").replaceChildren(side(one, texts[0], inLeft.bounds));
  find("right-text").replaceChildren(side(two, texts[1], inRight.bounds));
}

/** What `explain` says of two articles, as far as the page holds it: similarity, and shared terms. */
function alike(one, two) {
  if (one === two) return [];
  const parts = [];
  const add = (text) => parts.push(make("p", {}, text));
  const same = one.story === two.story;
  if (same && one.copy === two.copy) {
    add(areVersions(one, two) ? "Versions of one page." : "Copies of one text.");
    return parts;
  }
  const [left, right] = [one, two].map(reportOf);
  const pair = pairOf(left, right);
  const place = !same ? "In two stories" : episodeOf(one) === episodeOf(two) ? "In one story" : "In two episodes of one story";
  if (!pair) {
    add(`${place}. The page does not hold how similar these two are.`);
    return parts;
  }
  const [similarity, cosine, needed, ...terms] = pair;
  const but = similarity < 0.95 * cosine ? ` (${cosine.toFixed(2)} but for ${gap(left, right)})` : "";
  add(`${place}: similarity ${similarity.toFixed(2)}${but}, two such reports alone need ${needed.toFixed(2)}.`);
  if (left !== one || right !== two) add("The numbers are those of the reports that these are copies of.");
  const [spoken, others] = [one, two].map((article) => article.language);
  if (spoken && others && spoken !== others) {
    add("They are in two languages: what is alike in words is names, mostly. What an encoder found is not in the number.");
  }
  const items = [];
  for (let i = 0; i < terms.length; i += 2) {
    items.push(make("li", {}, make("span", { dir: "auto" }, terms[i]), ` ${terms[i + 1]} %`));
  }
  if (items.length) parts.push(make("p", {}, "Shared terms, with their part of it:"));
  if (items.length) parts.push(make("ul", { className: "terms", ariaLabel: "Shared terms" }, ...items));
  return parts;
}

/** Whether two copies have the URL of one page. */
function areVersions(one, two) {
  return one.page !== undefined && one.page === two.page;
}

/** The article itself, or the one that it is a copy of. */
function reportOf(article) {
  return article.story.articles.find((other) => other.copy === article.copy);
}

/** Similarity, cosine and what is needed, then terms and their shares; nothing for a pair that the page does not hold. */
function pairOf(left, right) {
  const [one, two] = [left, right].map((report) => report.story.articles.indexOf(report));
  if (left.story === right.story) {
    return left.story.pairs.find(([i, j]) => i === Math.min(one, two) && j === Math.max(one, two))?.slice(2);
  }
  if ([left, right].some((report) => reportOf(report.story.articles[report.story.shown]) !== report)) return undefined;
  const call = left.story.near.find(([place]) => place === right.story.place)?.slice(2);
  return call?.length ? call : undefined;
}

/** The time between two articles, in words. */
function gap(one, two) {
  if (!one.published || !two.published) return "a missing date";
  const minutes = Math.abs(moment(one.published) - moment(two.published)) / 60_000;
  if (minutes < 120) return `${Math.floor(minutes)} min between them`;
  return minutes < 2_880 ? `${Math.floor(minutes / 60)} h between them` : `${Math.floor(minutes / 1440)} days between them`;
}

/** Words with their bounds; in scripts written without spaces, each character is one. */
function wordsOf(text) {
  const scripts = ["Han", "Hiragana", "Katakana", "Thai", "Lao", "Khmer", "Myanmar"];
  const solid = scripts.map((name) => `\\p{Script=${name}}`).join("");
  const word = new RegExp(`[${solid}]\\p{M}*|(?:(?![${solid}])[\\p{L}\\p{N}\\p{M}])+`, "gu");
  return [...text.matchAll(word)].map((match) => {
    return { folded: fold(match[0]), start: match.index, stop: match.index + match[0].length };
  });
}

function runsOf(words) {
  const folded = words.map((word) => word.folded);
  return folded.slice(0, Math.max(0, words.length - RUN + 1)).map((_, i) => folded.slice(i, i + RUN).join(" "));
}

/** Where the passages of one text lie that the other has too, and how many words they are. */
function passages(words, others) {
  const known = new Set(runsOf(others));
  const shared = new Set();
  runsOf(words).forEach((run, i) => {
    if (known.has(run)) for (let k = i; k < i + RUN; k++) shared.add(k);
  });
  const bounds = [];
  for (const i of [...shared].sort((a, b) => a - b)) {
    if (shared.has(i - 1)) bounds.at(-1)[1] = words[i].stop;
    else bounds.push([words[i].start, words[i].stop]);
  }
  return { bounds, words: shared.size };
}

function side(article, text, bounds) {
  const parts = [];
  let end = 0;
  for (const [start, stop] of bounds) {
    parts.push(text.slice(end, start), make("mark", {}, text.slice(start, stop)));
    end = stop;
  }
  parts.push(text.slice(end));
  return textNode(article, ...parts);
}

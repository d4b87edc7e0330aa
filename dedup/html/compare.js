// Two articles side by side, with the passages that both have marked.

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

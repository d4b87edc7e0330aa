"use strict";
// A story that is opened: why its reports are together, when they came, its articles and their copies.

const PER_STORY = 100; // reports drawn at once: one story may hold all of a hundred thousand

function content(story) {
  const reports = reportsOf(story.articles);
  const parts = [make("h3", {}, "Why together"), make("p", {}, why(story, reports.length))];
  if (story.terms.length) {
    const terms = story.terms.map((term) => make("li", { dir: "auto" }, term));
    parts.push(make("ul", { className: "terms", ariaLabel: "Terms" }, ...terms));
  }
  parts.push(make("p", {}, make("strong", {}, "Shown: "), story.reason), ...doubts(story), ...timeline(story));
  parts.push(...(story.episodes ? chapters(story) : [make("h3", {}, "Articles"), ...reportList(reports)]));
  const link = make("a", { href: addressOf("story", story) }, "Link to this story");
  return [...parts, make("p", { className: "facts here" }, link)];
}

/** Each report with its copies behind it. */
function reportsOf(articles) {
  return [...Map.groupBy(articles, (article) => article.copy).values()];
}

function reportList(reports) {
  const list = make("ol", { className: "articles" });
  const more = make("button", { type: "button", className: "small more" });
  const extend = () => {
    const drawn = list.children.length;
    list.append(...reports.slice(drawn, drawn + PER_STORY).map(reportNode));
    const left = reports.length - list.children.length;
    more.hidden = left === 0;
    more.textContent = `Show more reports (${left.toLocaleString("en")} left)`;
    if (drawn) list.children[drawn].querySelector("summary").focus();
  };
  more.addEventListener("click", extend);
  extend();
  return [list, more];
}

function why(story, reports) {
  if (story.articles.length === 1) return "A report alone: no other is similar enough.";
  if (story.episodes) {
    const told = `One event in ${story.episodes.length.toLocaleString("en")} episodes`;
    return `${told}: as wholes they are alike, but for the time between them.`;
  }
  if (reports === 1) return "All are copies of one text.";
  const alike = `its ${reports.toLocaleString("en")} reports have a mean similarity of ${story.cohesion.toFixed(2)}`;
  return `Cohesion: ${alike}; from ${data.threshold} they are a story (1 is the same words on the same day).`;
}

/** Members that are in only just, and stories that stayed apart only just. */
function doubts(story) {
  const items = [];
  for (const episode of episodesOf(story)) {
    // Where all are in only just, as the two of a pair always are, it is said of all.
    const all = episode.articles.every(isDoubtful);
    const named = all ? [["Together only just: ", story.articles[episode.shown], episode.cohesion]] : [];
    if (!all) named.push(...episode.articles.filter(isDoubtful).map((article) => ["In only just: ", article, article.membership]));
    for (const [what, { title }, similarity] of named) {
      items.push(make("li", {}, what, make("span", { dir: "auto" }, title), ` (${similarity.toFixed(2)})`));
    }
  }
  items.splice(20);
  for (const [place, similarity] of story.near) {
    const other = stories[place];
    const link = make("button", { type: "button", className: "link", dir: "auto" }, other.headline);
    link.addEventListener("click", () => goTo(other));
    const [one, two] = [story.articles[story.shown], other.articles[other.shown]];
    items.push(make("li", {}, "Apart only just: ", link, ` (${similarity.toFixed(2)}) `, compareButton(one, two)));
  }
  if (!items.length) return [];
  return [make("h3", { className: "doubt" }, "Doubtful"), make("ul", {}, ...items)];
}

/** How many articles came when, as bars; the list below says it in words, so this is hidden from screen readers. */
function timeline(story) {
  const times = story.articles.filter((article) => article.published).map((article) => moment(article.published));
  const start = times.reduce((a, b) => Math.min(a, b), Infinity);
  const span = times.reduce((a, b) => Math.max(a, b), -Infinity) - start;
  if (!(span > 0)) return [];
  const bins = new Array(60).fill(0);
  for (const time of times) bins[Math.min(bins.length - 1, Math.floor(((time - start) / span) * bins.length))] += 1;
  const most = Math.max(...bins);
  const bars = bins.map((height) => {
    const bar = make("span", {});
    bar.style.height = `${(100 * height) / most}%`; // the policy forbids style attributes, not this
    return bar;
  });
  const ends = [story.first, story.last].map((end) => make("span", {}, end));
  const parts = [make("div", { className: "bars" }, ...bars), make("div", { className: "ends facts" }, ...ends)];
  return [make("h3", {}, "Timeline, UTC"), make("div", { className: "time", ariaHidden: "true" }, ...parts)];
}

function moment(published) {
  return Date.parse(`${published.replace(" ", "T")}Z`);
}

// Articles

/** A report: its first article, and below it the copies. */
function reportNode([article, ...copies]) {
  const node = articleNode(article);
  if (!copies.length) return node;
  const drawn = copies.slice(0, PER_STORY).map((copy) => articleNode(copy, article));
  const list = make("ol", { className: "articles" }, ...drawn);
  const hidden = copies.length - PER_STORY;
  const told = copies.every((copy) => areVersions(copy, article)) ? ["other version"] : ["copy", "copies"];
  node.append(make("p", { className: "facts" }, `${count(copies.length, ...told)} of it:`), list);
  if (hidden > 0) node.append(make("p", { className: "facts" }, `and ${count(hidden, "more copy", "more copies")}`));
  return node;
}

/** An article, to be compared with what it is a copy of, or else with what the episode, or the story, shows. */
function articleNode(article, original) {
  const { story } = article;
  const shown = story.articles[story.shown];
  const representative = shown === article;
  const episode = episodeOf(article);
  const main = story.articles[episode.shown];
  const facts = [article.published ? `${article.published} UTC` : "undated", article.source, article.language];
  const similarity = [];
  if (episode.articles.length > 1) {
    const bar = make("span", {});
    const meter = make("span", { className: "meter", ariaHidden: "true" }, bar);
    bar.style.width = `${100 * Math.min(1, article.membership)}%`;
    const value = ` similarity to the others ${article.membership.toFixed(2)}`;
    similarity.push(make("div", { className: isDoubtful(article) ? "facts doubt" : "facts" }, meter, value));
  }
  const text = make("div", {});
  const details = make("details", {}, make("summary", {}, "Text"), text);
  details.addEventListener("toggle", () => text.hasChildNodes() || showText(article, text));
  const another = story.articles.find((one) => one !== article);
  const other = original ?? (main === article ? shown : main);
  const pair = representative ? [article, another] : [other, article];
  const node = make(
    "li",
    { className: main === article ? "shown" : "" },
    make("span", { className: "title", dir: "auto", lang: language(article) }, titleNode(article)),
    representative && " ",
    representative && make("span", { className: "badge" }, "shown"),
    make("div", { className: "facts" }, [...facts, `id ${article.id}`].filter(Boolean).join(" · ")),
    ...similarity,
    make(
      "div",
      { className: "tools" },
      details,
      another && compareButton(...pair),
      make("a", { className: "facts here", href: addressOf("article", article) }, "Link"),
    ),
  );
  article.node = node;
  return node;
}

/** Scroll to an article of an open story; its episode may be folded, and its list not drawn that far. */
function showArticle(article) {
  const number = episodesOf(article.story).indexOf(episodeOf(article));
  const button = article.story.inside.querySelectorAll("h4 > button")[number];
  if (button?.ariaExpanded === "false") button.click();
  const list = button ? button.closest("li") : article.story.inside;
  const more = list.querySelector("button.more");
  while (!article.node && more && !more.hidden) more.click();
  const node = article.node;
  if (!node) return; // one copy of very many
  document.querySelector("li.named")?.classList.remove("named");
  node.classList.add("named");
  node.tabIndex = -1;
  node.focus();
  node.scrollIntoView({ block: "center" });
}

/** Only web addresses become links: others could run as script. */
function titleNode(article) {
  const href = /^https?:\/\//i.test(article.url || "") && URL.canParse(article.url) && article.url;
  if (!href) return article.title;
  return make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, article.title);
}

/** A language as an attribute chooses the voice and the shapes of letters. */
function language(article) {
  return /^[a-z]{2,3}(-[a-z0-9]{2,8})*$/i.test(article.language || "") ? article.language : "";
}

/** The text of an article; texts come in blocks after the script, each parsed when it is first wanted. */
const blocks = new Map();
async function textOf(article) {
  const block = Math.floor(article.number / data.block);
  if (!blocks.has(block)) {
    // While a large page is still loading, its last blocks are not there yet.
    if (!find(`texts-${block + 1}`) && document.readyState === "loading") {
      await new Promise((resolve) => document.addEventListener("DOMContentLoaded", resolve, { once: true }));
    }
    blocks.set(block, JSON.parse(find(`texts-${block}`).textContent));
  }
  return blocks.get(block)[article.number % data.block];
}

function textNode(article, ...parts) {
  const node = make("div", { className: "text", dir: "auto", lang: language(article) }, ...parts);
  if (!article.length) return node; // it is all there
  const held = data.limit.toLocaleString("en");
  const cut = `The page holds the first ${held} of ${count(article.length, "character")}.`;
  return make("div", {}, node, make("p", { className: "facts" }, cut));
}

async function showText(article, place) {
  const text = await textOf(article);
  place.replaceChildren(textNode(article, text || "(no text)"));
}

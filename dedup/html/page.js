// Articles are untrusted: what they say enters the page as text nodes and checked addresses, never as markup.
// The list is drawn fifty stories at a time and a story when it is opened, so that the size of the page costs nothing.

const PER_PAGE = 50; // stories
const OFFERED = 1_000; // outlets to choose from

const find = (id) => document.getElementById(id);
const data = JSON.parse(find("data").textContent);
const stories = data.stories;
let chosen = stories; // those that pass the filters, sorted
let page = 0;

// What is derived once: where the texts of a story begin, and what the filters ask for.
let total = 0;
stories.forEach((story, place) => {
  for (const article of story.articles) Object.assign(article, { story, number: total++ });
  story.episodes?.forEach((episode, number) => {
    episode.articles = episode.articles.map((at) => story.articles[at]);
    for (const article of episode.articles) article.episode = number;
    episode.place = number;
  });
  for (const part of new Set([story, ...(story.episodes || [])])) {
    const days = part.articles.map((article) => article.published).filter(Boolean).sort();
    Object.assign(part, { first: days[0] || "", last: days.at(-1) || "" });
  }
  story.place = place;
  story.doubts = story.near.length > 0 || story.articles.some(isDoubtful);
});

function isDoubtful(article) {
  return article.membership < data.doubtful;
}

/** An element with properties and children; those that are null or false are left out. */
function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter((child) => child || child === 0));
  return node;
}

function count(number, one, many = one + "s") {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

// Search

/** Case and accents aside: Élysée meets elysee. Only those marks that are accents; vowels of Hindi or Thai stay. */
function fold(text) {
  return text.normalize("NFD").replace(/[\u0300-\u036f\u0591-\u05c7\u064b-\u065f]/g, "").toLowerCase();
}

/** What is searched of a story; made at the first search, since most pages open without one. */
function haystack(story) {
  story.haystack ??= fold(
    [story.headline, story.id, ...story.terms]
      .concat(story.articles.flatMap((article) => [article.title, article.source || "", article.id]))
      .join("\n"),
  );
  return story.haystack;
}

const ORDERS = {
  size: (a, b) => a.place - b.place, // as they came: largest first
  newest: (a, b) => (a.last < b.last) - (a.last > b.last) || a.place - b.place,
  oldest: (a, b) => !a.first - !b.first || (a.first > b.first) - (a.first < b.first) || a.place - b.place,
  cohesion: (a, b) => a.cohesion - b.cohesion || a.place - b.place,
  headline: (a, b) => a.key.localeCompare(b.key) || a.place - b.place,
};

function filter() {
  const words = fold(find("search").value).split(/\s+/).filter(Boolean);
  const [size, from, to] = ["size", "from", "to"].map((id) => find(id).value);
  const [source, language] = ["source", "language"].map((id) => find(id).value);
  const doubtful = find("doubtful").checked;
  chosen = stories.filter(
    (story) =>
      story.articles.length >= size &&
      (!from || story.last.slice(0, 10) >= from) &&
      (!to || (story.first && story.first.slice(0, 10) <= to)) &&
      (!doubtful || story.doubts) &&
      (!source || story.articles.some((article) => article.source === source)) &&
      (!language || story.articles.some((article) => article.language === language)) &&
      words.every((word) => haystack(story).includes(word)),
  );
  const order = find("sort").value;
  if (order === "headline") for (const story of chosen) story.key ??= fold(story.headline);
  if (order !== "size") chosen.sort(ORDERS[order]);
  page = 0;
  draw();
}

// The list

function draw() {
  const start = page * PER_PAGE;
  const stop = Math.min(start + PER_PAGE, chosen.length);
  find("stories").replaceChildren(...chosen.slice(start, stop).map((story) => (story.node ??= storyNode(story))));
  find("stories").start = start + 1;
  const all = chosen.length === stories.length ? "" : ` (${stories.length.toLocaleString("en")} in all)`;
  find("count").textContent = chosen.length
    ? `${start + 1} to ${stop} of ${count(chosen.length, "story", "stories")}${all}`
    : `No story matches${all}`;
  find("pages").hidden = chosen.length <= PER_PAGE;
  find("page").textContent = `Page ${page + 1} of ${Math.ceil(chosen.length / PER_PAGE).toLocaleString("en")}`;
  find("previous").disabled = page === 0;
  find("next").disabled = stop === chosen.length;
}

function turn(to) {
  page = to;
  draw();
  headings()[0].focus(); // the button pressed may be disabled by now
  find("count").scrollIntoView();
}

function headings() {
  return [...document.querySelectorAll("h2 > button")];
}

function period(story) {
  const [first, last] = [story.first.slice(0, 10), story.last.slice(0, 10)];
  return !first ? "undated" : first === last ? first : `${first} to ${last}`;
}

function storyNode(story) {
  const inside = make("div", { className: "inside", id: `inside-${story.place}`, hidden: true });
  const button = make("button", { type: "button", ariaExpanded: "false", dir: "auto" }, story.headline);
  button.setAttribute("aria-controls", inside.id);
  button.addEventListener("click", () => toggle(story, inside.hidden));
  const doubt = story.doubts && make("span", { className: "doubt" }, " · doubtful");
  Object.assign(story, { button, inside });
  return make(
    "li",
    {},
    make("h2", {}, button),
    make("p", { className: "facts", dir: "auto" }, factsOf(story).join(" · "), doubt),
    inside,
  );
}

/** Size, copies, days and outlets of a story or an episode. */
function factsOf({ articles, episodes, first, last }) {
  const sources = [...new Set(articles.map((article) => article.source).filter(Boolean))];
  const copies = articles.length - new Set(articles.map((article) => article.copy)).size;
  return [
    count(articles.length, "article"),
    episodes && count(episodes.length, "episode"),
    copies && count(copies, "copy", "copies"),
    period({ first, last }),
    sources.slice(0, 4).join(", ") + (sources.length > 4 ? ` and ${sources.length - 4} more` : ""),
  ].filter(Boolean);
}

function toggle(story, open) {
  if (open && !story.inside.hasChildNodes()) story.inside.append(...content(story));
  story.inside.hidden = !open;
  story.button.ariaExpanded = String(open);
}

/** A story by its place, whatever the filters hide. */
function goTo(story) {
  if (!chosen.includes(story)) reset();
  turn(Math.floor(chosen.indexOf(story) / PER_PAGE));
  toggle(story, true);
  story.button.focus();
  story.button.scrollIntoView();
}

/** The part of an address that leads to a story or an article; an id may be anything. */
function addressOf(kind, { id }) {
  return `#${kind}-${encodeURIComponent(id)}`;
}

function isNamed(kind, one) {
  return addressOf(kind, one) === location.hash || `#${kind}-${one.id}` === location.hash;
}

/** Open what the address of the page names: a story, or the story of an article, at the article. */
function follow() {
  const story = stories.find((one) => isNamed("story", one));
  if (story) goTo(story);
  if (story || !location.hash.startsWith("#article-")) return;
  for (const one of stories) {
    const article = one.articles.find((each) => isNamed("article", each));
    if (!article) continue;
    goTo(one);
    showArticle(article);
    return;
  }
}

// Controls

/** The values of a field with the number of their stories, the most frequent first. */
function fill(id, field, name = (value) => value) {
  const counts = new Map();
  for (const story of stories) {
    for (const value of new Set(story.articles.map((article) => article[field]).filter(Boolean))) {
      counts.set(value, (counts.get(value) || 0) + 1);
    }
  }
  const ranked = [...counts].sort((a, b) => b[1] - a[1] || (a[0] > b[0]) - (a[0] < b[0]));
  const offered = ranked.slice(0, OFFERED);
  find(id).append(...offered.map(([value, number]) => new Option(`${name(value)} (${number})`, value)));
  if (ranked.length <= OFFERED) return;
  const others = new Option(`${(ranked.length - OFFERED).toLocaleString("en")} more: search for them`);
  others.disabled = true;
  find(id).append(others);
}

function languageName(code) {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(code);
  } catch {
    return code; // what a feed calls a language may be anything
  }
}

function reset() {
  for (const id of ["search", "from", "to", "source", "language"]) find(id).value = "";
  find("size").value = "1";
  find("sort").value = "size";
  find("doubtful").checked = false;
  filter();
}

/** Arrow keys go from story to story, Escape closes the story it is pressed in. */
function onKey(event) {
  const item = event.target.closest("#stories > li");
  if (!item) return;
  if (event.key === "Escape") {
    const story = stories.find((one) => one.node === item);
    toggle(story, false);
    story.button.focus();
    return;
  }
  const all = headings();
  const at = all.indexOf(event.target);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
  if (at < 0 || to === undefined || !all[to]) return;
  event.preventDefault(); // the page would scroll as well
  all[to].focus();
}

fill("source", "source");
fill("language", "language", languageName);
find("controls").addEventListener("input", filter);
find("reset").addEventListener("click", () => (reset(), find("search").focus()));
find("fold").addEventListener("click", () => (find("fold").ariaExpanded = String(find("fold").ariaExpanded === "false")));
find("save-csv").addEventListener("click", () => save("stories.csv", "text/csv", asCsv(rowsOf(chosen))));
find("save-json").addEventListener("click", () => save("stories.json", "application/json", asJson(rowsOf(chosen))));
find("previous").addEventListener("click", () => turn(page - 1));
find("next").addEventListener("click", () => turn(page + 1));
find("close").addEventListener("click", () => find("comparison").close());
find("stories").addEventListener("keydown", onKey);
window.addEventListener("hashchange", follow);
find("controls").hidden = false;
filter();
follow();

// A story of several episodes: a section for each in turn, open or folded, and where it lies in the story's time.

const OPEN = 20; // reports of a story whose episodes are all open when it is

/** The episodes of a story; a story of one episode is its own. */
function episodesOf(story) {
  return story.episodes || [story];
}

function episodeOf(article) {
  return article.story.episodes ? article.story.episodes[article.episode] : article.story;
}

function chapters(story) {
  const open = reportsOf(story.articles).length <= OPEN;
  const list = make("ol", { className: "episodes" }, ...story.episodes.map((episode) => chapter(story, episode, open)));
  return [make("h3", {}, "Episodes"), list];
}

function chapter(story, episode, open) {
  const title = story.articles[episode.shown].title;
  const inside = make("div", { className: "chapter", id: `chapter-${story.place}-${episode.place}` });
  const button = make("button", { type: "button", dir: "auto" }, title);
  button.setAttribute("aria-controls", inside.id);
  const fold = (folded) => {
    inside.classList.toggle("folded", folded); // a class, so that paper has it nevertheless
    button.ariaExpanded = String(!folded);
  };
  button.addEventListener("click", () => fold(!inside.classList.contains("folded")));
  fold(!open);
  const reports = reportsOf(episode.articles);
  if (reports.length > 1) {
    const alike = `Its ${reports.length.toLocaleString("en")} reports have a mean similarity of`;
    inside.append(make("p", { className: "facts" }, `${alike} ${episode.cohesion.toFixed(2)}.`));
  }
  inside.append(...reportList(reports));
  const facts = make("p", { className: "facts", dir: "auto" }, factsOf(episode).join(" · "));
  return make("li", {}, make("h4", {}, button), facts, ...track(story, episode), inside);
}

/** When an episode was, within the time of its story; the dates say it too, so this is hidden from screen readers. */
function track(story, episode) {
  const [start, stop, first, last] = [story.first, story.last, episode.first, episode.last].map(moment);
  if (!(stop > start) || Number.isNaN(first)) return [];
  const bar = make("span", {});
  bar.style.marginLeft = `${(100 * (first - start)) / (stop - start)}%`; // the policy forbids style attributes, not this
  bar.style.width = `${(100 * (last - first)) / (stop - start)}%`;
  return [make("div", { className: "track", ariaHidden: "true" }, bar)];
}

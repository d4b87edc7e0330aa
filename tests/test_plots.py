"""dedup.plots: what is drawn, by the data of the artists."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

import dedup
from dedup import plots
from dedup.plots import axes as drawing
from dedup.story.candidates import FLOOR
from dedup.story.similarity import similarity_matrix as all_similarities
from dedup.text.limit import readable_texts

matplotlib = pytest.importorskip("matplotlib", reason="matplotlib is not installed: pip install matplotlib")
matplotlib.use("Agg")

from matplotlib import pyplot as plt  # noqa: E402 (after the backend is chosen)
from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: E402
from matplotlib.dates import num2date  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

NOON = datetime(2023, 9, 13, 12, tzinfo=UTC)
WIRE = (
    "Kim Jong Un and Vladimir Putin met at the Vostochny cosmodrome on Wednesday and spoke of satellites and rockets."
)


@pytest.fixture(autouse=True)
def no_figures_left():
    yield
    plt.close("all")


@pytest.fixture
def ax():
    return Figure(layout="constrained").subplots()


@pytest.fixture(scope="module")
def with_copies(stories):
    return next(s for s in stories if s.near_duplicates and len(s) > 3)


def draw(figure):
    """As saving would; what matplotlib warns of is an error."""
    FigureCanvasAgg(figure).draw()


def texts_of(ax):
    return [ax.get_title(), ax.get_title(loc="left"), ax.get_title(loc="right"), *map(text_of, ax.get_yticklabels())]


def text_of(label):
    return label.get_text()


def scattered(ax):
    return {c.get_label(): c for c in ax.collections}


# Axes


@pytest.mark.parametrize("name", ["story_timeline", "similarity_matrix", "storyline"])
def test_axes_in_axes_out_without_pyplot(stories, ax, name):
    assert getattr(plots, name)(stories[0], ax=ax) is ax
    draw(ax.figure)
    assert plt.get_fignums() == []


def test_the_others_without_pyplot(stories, ax):
    found = dedup.near_duplicates(["a b c d e f", "a b c d e f"])
    assert plots.retrieval_curve(found, ax=ax) is ax
    figure = Figure(figsize=(7, 12), layout="constrained")
    left, right, below = figure.subplots(3, 1)
    assert plots.storylines(stories, ax=below) is below
    assert plots.threshold_sweep(stories, [0.1, 0.2], ax=left) is left
    assert plots.index_growth(stories, ax=right) is right
    draw(figure)
    assert plt.get_fignums() == []


def test_a_figure_of_its_own(stories):
    ax = plots.story_timeline(stories[0])
    assert plt.get_fignums() == [ax.figure.number]


def test_without_matplotlib(stories, monkeypatch):
    monkeypatch.setattr(drawing, "find_spec", lambda _: None)
    with pytest.raises(ImportError, match=r'pip install "dedup-stories\[plot\]"'):
        plots.index_growth(stories)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("story_timeline", "story is a list; allowed: a Story"),
        ("similarity_matrix", "story is a list; allowed: a Story"),
        ("storyline", "story is a list; allowed: a Story"),
        ("retrieval_curve", "found is a list; allowed: what dedup.near_duplicates returns"),
        ("threshold_sweep", "stories is a list; allowed: a Stories"),
    ],
)
def test_other_things_are_refused(name, message):
    with pytest.raises(TypeError, match=message):
        getattr(plots, name)([])


# story_timeline


def test_timeline_has_every_article_at_its_time_and_outlet(with_copies, ax):
    plots.story_timeline(with_copies, ax=ax)
    drawn = scattered(ax)
    copies = [a for group in with_copies.near_duplicates for a in group[1:]]
    assert len(drawn["copy of an earlier article"].get_offsets()) == len(copies)
    assert len(drawn["report"].get_offsets()) == len(with_copies) - len(copies)
    assert drawn["copy of an earlier article"].get_facecolor().size == 0  # hollow
    assert drawn["report"].get_facecolor().size
    outlets = [label.get_text() for label in ax.get_yticklabels()]
    points = {
        (num2date(x).replace(microsecond=0), outlets[round(y)])
        for name in ("report", "copy of an earlier article")
        for x, y in drawn[name].get_offsets()
    }
    assert points == {(a.published.astimezone(UTC), a.source) for a in with_copies.articles}


def test_timeline_marks_the_representative(with_copies, ax):
    plots.story_timeline(with_copies, ax=ax)
    ((x, _),) = scattered(ax)["representative"].get_offsets()
    assert num2date(x).replace(microsecond=0) == with_copies.representative.published.astimezone(UTC)


def test_timeline_counts_what_is_undated(ax):
    story = dedup.cluster([{"id": "a", "text": WIRE, "published": NOON}, {"id": "b", "text": WIRE}])[0]
    plots.story_timeline(story, ax=ax)
    assert "1 undated article not shown" in ax.get_xlabel()
    assert [label.get_text() for label in ax.get_yticklabels()] == ["no outlet"]


def test_a_story_without_dates_has_no_timeline():
    with pytest.raises(ValueError, match="none of whose articles is dated"):
        plots.story_timeline(dedup.cluster([WIRE])[0])


HOSTILE = ["$100 and \\frac{1} $x_2$", "北京\x00\x07", "\ud800 lone", "רוסיה وروسيا रूस 🚂", "%d {x} _a_ ^b^", "   "]


@pytest.mark.parametrize("title", HOSTILE)
def test_letters_that_no_font_has_do_not_warn(title, ax):
    articles = [
        {"id": str(i), "title": title, "text": WIRE + " again" * i, "source": title, "published": NOON} for i in (0, 1)
    ]
    story = dedup.cluster(articles)[0]
    figure = Figure(figsize=(24, 8), layout="constrained")
    drawn = (
        plots.story_timeline,
        plots.similarity_matrix,
        plots.storyline,
        lambda story, ax: plots.storylines([story], ax=ax),
    )
    for axes, plot in zip(figure.subplots(2, 2).ravel(), drawn, strict=True):
        plot(story, ax=axes)
    draw(figure)


@pytest.mark.parametrize("plot", [plots.story_timeline, plots.storyline])
def test_every_story_of_the_sample_can_be_drawn(stories, plot):
    for story in stories[:12]:
        figure = Figure(layout="constrained")
        plot(story, ax=figure.subplots())
        draw(figure)


def test_money_is_no_formula(ax):
    title = "From $5 to $6: prices rise"
    plots.story_timeline(dedup.cluster([{"title": title, "text": "", "published": NOON}])[0], ax=ax)
    assert title in texts_of(ax)
    assert not ax.title.get_parse_math() or not ax._left_title.get_parse_math()


# similarity_matrix


def test_no_name_is_cut_off(with_copies):
    for plot in (plots.similarity_matrix, plots.story_timeline, plots.storyline):
        ax = plot(with_copies)
        draw(ax.figure)
        assert min(label.get_window_extent().x0 for label in ax.get_yticklabels()) >= 0


def test_means_of_the_matrix_are_the_membership(sample):
    for story in dedup.cluster(sample, max_gap_days=0)[:20]:
        days = np.array([a.day for a in story.articles])
        languages = [a.language for a in story.articles]
        similarity = all_similarities(readable_texts(story.articles), days, story._weighting, languages)
        later = {a.id for group in story.near_duplicates for a in group[1:]}
        canonical = [i for i, a in enumerate(story.articles) if a.id not in later]
        own = np.where(similarity < FLOOR, 0, similarity)[np.ix_(canonical, canonical)]
        means = (own.sum(axis=1) - 1) / max(len(canonical) - 1, 1)
        expected = np.array(story.membership)[canonical] if len(canonical) > 1 else [0]
        # Between languages the search for candidates misses some pairs, which count as none.
        assert (means >= expected - 1e-6).all()
        if len(set(languages)) == 1:
            np.testing.assert_allclose(means, expected, atol=1e-6)


def test_copies_stand_together_and_are_framed(with_copies, ax):
    plots.similarity_matrix(with_copies, ax=ax)
    draw(ax.figure)
    drawn = ax.images[0].get_array()
    assert drawn.shape == (len(with_copies), len(with_copies))
    np.testing.assert_allclose(drawn, drawn.T)
    frames = [(round(p.get_x() + 0.5), round(p.get_width())) for p in ax.patches]
    assert sorted(size for _, size in frames) == sorted(map(len, with_copies.near_duplicates))
    for first, size in frames:
        assert drawn[first : first + size, first : first + size].min() > 0.5
    numbers = sorted(t.get_text() for t in ax.texts)
    assert numbers == sorted(f"{value:.2f}" for value in drawn.ravel())


def test_many_articles_have_a_scale_instead_of_numbers(ax):
    articles = [{"id": str(i), "text": WIRE + f" Said {i}.", "published": NOON + timedelta(hours=i)} for i in range(25)]
    plots.similarity_matrix(dedup.cluster(articles)[0], ax=ax)
    assert not ax.texts
    assert len(ax.figure.axes) == 2
    draw(ax.figure)


def test_more_rows_than_can_be_read_have_no_names():
    text = "Kim Jong Un met Vladimir Putin at Vostochny"
    articles = [{"id": str(i), "text": text, "source": f"Outlet {i}", "published": NOON} for i in range(70)]
    story = dedup.cluster(articles)[0]
    for plot, name in ((plots.similarity_matrix, "70 articles"), (plots.story_timeline, "70 outlets")):
        ax = plot(story)
        draw(ax.figure)
        assert not ax.get_yticklabels()
        assert ax.get_ylabel() == name


def test_a_story_of_an_index_has_a_matrix(sample, ax):
    with dedup.StoryIndex(":memory:") as index:
        index.add_many(sample)
        story = max(index.stories(min_size=3), key=len)
        plots.similarity_matrix(story, ax=ax)
    drawn = ax.images[0].get_array()
    assert drawn.min() >= 0
    assert drawn.max() <= 1
    assert np.diag(drawn).tolist() == [1.0] * len(story)


# storyline


@pytest.fixture(scope="module")
def visit():
    return dedup.cluster(dedup.sample_articles("fr"))[0]


def rows_of(collection):
    """Times of the points of each row."""
    rows = {}
    for x, y in collection.get_offsets():
        rows.setdefault(round(y), []).append(num2date(x).replace(microsecond=0))
    return {row: sorted(times) for row, times in rows.items()}


def test_a_storyline_has_a_row_an_episode_with_its_reports(visit, ax):
    plots.storyline(visit, ax=ax)
    draw(ax.figure)
    later = {a.id for group in visit.near_duplicates for a in group[1:]}
    reports = [[a for a in episode.articles if a.id not in later] for episode in visit.episodes]
    drawn = scattered(ax)
    assert rows_of(drawn["report, the larger the more copies"]) == {
        row: [a.published for a in some] for row, some in enumerate(reports)
    }
    assert rows_of(drawn["shown of its episode"]) == {
        row: [episode.representative.published] for row, episode in enumerate(visit.episodes)
    }
    names = [label.get_text().removesuffix("...") for label in ax.get_yticklabels()]
    headlines = [" ".join(episode.headline.split()) for episode in visit.episodes]
    assert all(map(str.startswith, headlines, names))
    assert min(map(len, names)) > 30
    assert ax.get_title(loc="left")[:40] == visit.headline[:40]
    assert ax.yaxis_inverted()  # time goes down


def test_the_points_of_a_storyline_grow_with_the_copies(visit, ax):
    plots.storyline(visit, ax=ax)
    reports = scattered(ax)["report, the larger the more copies"]
    sizes = {group[0].published: len(group) for group in visit.near_duplicates}
    assert len(sizes) == 2
    for (x, _), area in zip(reports.get_offsets(), reports.get_sizes(), strict=True):
        assert area == 40 * sizes.get(num2date(x).replace(microsecond=0), 1)
    many = [{"id": str(i), "text": WIRE, "published": NOON} for i in range(100)]
    plots.storyline(dedup.cluster(many)[0], ax=ax)
    assert max(scattered(ax)["report, the larger the more copies"].get_sizes()) == 600


def test_the_rows_of_a_storyline_span_their_episodes(visit, ax):
    plots.storyline(visit, ax=ax)
    spans = [[num2date(x).replace(microsecond=0) for x in line.get_xdata()] for line in ax.get_lines()]
    assert spans == [sorted({episode.first, episode.last}) for episode in visit.episodes]
    assert [set(line.get_ydata()) for line in ax.get_lines()] == [{row} for row in range(len(visit.episodes))]


def test_a_storyline_counts_what_is_undated_and_needs_a_date(ax):
    story = dedup.cluster([{"id": "a", "text": WIRE, "published": NOON}, {"id": "b", "text": WIRE}])[0]
    plots.storyline(story, ax=ax)
    assert "1 undated article not shown" in ax.get_xlabel()
    assert "report" in scattered(ax)["report, the larger the more copies"].get_label()
    with pytest.raises(ValueError, match="none of whose articles is dated"):
        plots.storyline(dedup.cluster([WIRE])[0])


def test_wide_letters_have_fewer_in_a_name(ax):
    title = "金正恩专列抵达俄边境哈桑站" * 8
    plots.storyline(dedup.cluster([{"title": title, "text": "", "published": NOON}])[0], ax=ax)
    (name,) = (label.get_text() for label in ax.get_yticklabels())
    assert len(name) == 22


def test_of_very_many_episodes_no_names_are_written(visit):
    many = replace(visit, episodes=visit.episodes * 20)
    ax = plots.storyline(many)
    draw(ax.figure)
    assert not ax.get_yticklabels()
    assert ax.get_ylabel() == "80 episodes"


# storylines


def test_storylines_are_the_largest_stories_by_their_first_article(stories, ax):
    plots.storylines(stories, n=7, ax=ax)
    draw(ax.figure)
    largest = sorted(stories, key=lambda story: (-len(story), story.first))[:7]
    rows = sorted(largest, key=lambda story: story.first)
    names = [label.get_text().removesuffix("...") for label in ax.get_yticklabels()]
    assert all(story.headline.startswith(name[:20]) for story, name in zip(rows, names, strict=True))
    (points,) = ax.collections
    assert rows_of(points) == {row: sorted(a.published for a in story.articles) for row, story in enumerate(rows)}


def test_storylines_have_a_bar_an_episode_beside_the_line_of_its_story(stories, ax):
    plots.storylines(stories, n=3, ax=ax)
    rows = sorted(sorted(stories, key=lambda story: (-len(story), story.first))[:3], key=lambda story: story.first)
    drawn = [
        (round(line.get_ydata()[0], 2), [num2date(x).replace(microsecond=0) for x in line.get_xdata()])
        for line in ax.get_lines()
    ]
    expected = []
    for row, story in enumerate(rows):
        expected.append((row, [story.first, story.last]))
        for k, episode in enumerate(story.episodes):
            expected.append((row + (-0.16, 0.16)[k % 2], sorted({episode.first, episode.last})))
    assert drawn == [(row, [moment.astimezone(UTC) for moment in span]) for row, span in expected]


def test_storylines_take_any_stories_and_say_what_is_wrong(stories, ax):
    plots.storylines((story for story in stories[:4]), ax=ax)
    assert len(ax.get_yticklabels()) == 4
    with pytest.raises(TypeError, match="stories is a int"):
        plots.storylines([1])
    with pytest.raises(ValueError, match=r"n is 0; allowed: an integer of at least 1"):
        plots.storylines(stories, n=0)
    with pytest.raises(TypeError, match=r"n is '3'"):
        plots.storylines(stories, n="3")
    with pytest.raises(ValueError, match="none of them dated"):
        plots.storylines(dedup.cluster([WIRE]))


def test_storylines_leave_out_stories_without_dates(ax):
    articles = [{"id": "a", "text": WIRE, "published": NOON}, {"id": "b", "text": WIRE}, {"id": "c", "text": "Rates"}]
    plots.storylines(dedup.cluster(articles), ax=ax)
    assert len(ax.get_yticklabels()) == 1
    assert "1 undated article not shown" in ax.get_xlabel()


# retrieval_curve


def test_retrieval_curve_is_that_of_the_bands(ax):
    found = dedup.near_duplicates([WIRE, WIRE], threshold=0.6, recall=0.9)
    plots.retrieval_curve(found, ax=ax)
    lines = {line.get_label(): line for line in ax.get_lines()}
    x, y = lines["found"].get_data()
    np.testing.assert_allclose(y, found.expected_recall(x))
    assert x[0] == 0.6
    x, y = lines["retrieved, checked, dropped"].get_data()
    assert x[-1] == 0.6
    np.testing.assert_allclose(y, found.bands.retrieval_probability(x))
    assert lines["threshold 0.6"].get_xdata()[0] == 0.6
    assert [t.get_text() for t in ax.texts] == [f"{found.expected_recall(0.6):.3f}"]


# threshold_sweep


def test_sweep_counts_stories(sample, stories, ax):
    thresholds = [0.3, 0.08, 0.12]
    labels = [a.story for a in sample]
    plots.threshold_sweep(stories, thresholds, labels, ax=ax)
    draw(ax.figure)
    lines = {line.get_label(): line for axes in ax.figure.axes for line in axes.get_lines()}
    others = [stories.rethreshold(t) for t in sorted(thresholds)]
    assert lines["stories"].get_xdata().tolist() == sorted(thresholds)
    assert lines["stories"].get_ydata().tolist() == [len(s) for s in others]
    assert lines["articles of the largest"].get_ydata().tolist() == [max(map(len, s)) for s in others]
    f1 = [dedup.metrics.bcubed(labels, s.labels).f1 for s in others]
    assert lines["BCubed F1 (right)"].get_ydata().tolist() == f1


def test_sweep_without_labels(stories, ax):
    plots.threshold_sweep(stories, ax=ax)
    assert len(ax.figure.axes) == 1
    assert len(ax.get_lines()[0].get_xdata()) == 16


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"thresholds": [0.1, 2]}, "thresholds is 2"),
        ({"thresholds": []}, "thresholds has 0 values"),
        ({"labels": [1, 2]}, r"labels has the shape \(2,\); allowed: \(216,\)"),
    ],
)
def test_sweep_says_what_is_wrong(stories, arguments, message):
    with pytest.raises(ValueError, match=message):
        plots.threshold_sweep(stories, **arguments)


# index_growth


def test_growth_counts_articles_and_stories(sample, ax):
    with dedup.StoryIndex(":memory:") as index:
        index.add_many(sample[:60])
        stories = index.stories()
    plots.index_growth(stories, ax=ax)
    draw(ax.figure)
    articles, begun = ax.get_lines()
    assert articles.get_label() == "articles: 60"
    assert begun.get_label() == f"stories: {len(stories)}"
    assert articles.get_ydata()[-1] == 60
    assert begun.get_ydata()[-1] == len(stories)
    assert np.all(np.diff(articles.get_ydata()) >= 0)
    assert np.all(np.diff(articles.get_xdata()) >= 0)


def test_growth_needs_a_date():
    with pytest.raises(ValueError, match="none of them dated"):
        plots.index_growth(dedup.cluster([WIRE]))
    with pytest.raises(TypeError, match="stories is a int"):
        plots.index_growth([1])

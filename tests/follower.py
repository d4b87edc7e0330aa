"""A service that follows the stories of an index by its log of changes alone."""


class Follower:
    """Which articles are in which story and episode, as far as it was told."""

    def __init__(self):
        self.cursor, self.places, self.begun, self.aliases = 0, {}, set(), {}

    def catch_up(self, index, limit=None):
        """Read what is new; every entry must be possible after those before it."""
        while news := index.changes(self.cursor, limit=limit):
            for change in news:
                assert change.cursor > self.cursor
                self.cursor = change.cursor
                getattr(self, change.kind)(change)

    def story_begun(self, change):
        assert change.story_id not in self.begun
        self.begun.add(change.story_id)
        self.joined(change)

    def joined(self, change):
        assert change.article_id not in self.places
        assert change.story_id in self.begun
        self.places[change.article_id] = change.story_id, change.episode_id

    def updated(self, change):
        assert self.places[change.article_id] == (change.story_id, change.episode_id)

    def left(self, change):
        assert self.places.pop(change.article_id) == (change.story_id, change.episode_id)

    def episode_begun(self, change):
        assert change.story_id in self.begun

    def episode_merged(self, change):
        for name, (story, episode) in self.places.items():
            if episode == change.episode_id:
                self.places[name] = story, change.into

    def story_merged(self, change):
        self.begun -= {change.story_id}  # only `refine` may part them again
        self.begun.add(change.into)
        self.aliases[change.story_id] = change.into
        for name, (story, episode) in self.places.items():
            if story == change.story_id:
                self.places[name] = change.into, episode

    def decided(self, change):
        """What an editor has decided; what became of articles by it follows, entry by entry."""
        assert change.decision == change.cursor or change.kind in ("editor_undid", "editor_forbade")

    editor_merged = editor_split = editor_moved = editor_pinned = editor_forbade = editor_undid = decided


def told_places(index):
    """Where each article is as far as the index has told."""
    store, chapters = index._session.store, index._session.state.chapters
    rows = store.rows(store.nodes_before(float("inf"))).values()
    return {row.id: (f"s{chapters.told(row.episode)}", f"e{row.episode}") for row in rows}

"""Which episodes of an index make a story."""

from collections.abc import Iterable

import numpy as np

from dedup.arrays import Integers

#: An episode, the number of its story, and the number of the story that it was told to be in.
Chapter = tuple[int, int, int]


class Chapters:
    """The story of each episode, now and as far as it was told; by default it has its own number.

    Of episodes that were told to be of one story, none leaves it. A story has the number of its oldest episode, also
    when that is gone.

    Examples
    --------
    >>> chapters = Chapters([(7, 3, 7), (9, 3, 7)])
    >>> chapters.story(9), chapters.told(9), chapters.episodes_of([3]), chapters.provisional()
    (3, 7, [3, 7, 9], [7])
    >>> chapters.put({7: 2, 3: 2})
    [(3, 2, 3), (7, 2, 7), (9, 2, 7)]
    >>> chapters.tell(7)
    [(7, 2, 2), (9, 2, 2)]
    """

    def __init__(self, chapters: Iterable[Chapter] = ()) -> None:
        self._chapters: dict[int, tuple[int, int]] = {}
        self._episodes: dict[int, set[int]] = {}  # of each story those with other numbers
        self.set(chapters)

    def set(self, chapters: Iterable[Chapter]) -> None:
        """Replace what is known of some episodes."""
        for episode, story, told in chapters:
            self._episodes.get(self.story(episode), set()).discard(episode)
            self._chapters.pop(episode, None)
            if story != episode:
                self._chapters[episode] = story, told
                self._episodes.setdefault(story, set()).add(episode)

    def all(self) -> list[Chapter]:
        """The episodes that are part of the story of another, ascending."""
        return sorted((episode, *numbers) for episode, numbers in self._chapters.items())

    def copy(self) -> "Chapters":
        """The same, which stays as it is."""
        return Chapters(self.all())

    def changed(self, others: "Chapters") -> list[int]:
        """The episodes of which others know something else, ascending."""
        return sorted({episode for episode, *_ in {*self.all()} ^ {*others.all()}})

    def story(self, episode: int) -> int:
        """The story of an episode."""
        return self._chapters[episode][0] if episode in self._chapters else episode

    def told(self, episode: int) -> int:
        """The story that an episode was told to be in."""
        return self._chapters[episode][1] if episode in self._chapters else episode

    def stories(self, episodes: Integers) -> Integers:
        """The story of each episode."""
        return np.array([self.story(episode) for episode in episodes.tolist()], dtype=np.int64)

    def episodes_of(self, stories: Iterable[int]) -> list[int]:
        """All episodes of stories, ascending; also those without articles."""
        return sorted({episode for story in stories for episode in self._within(story)})

    def _within(self, story: int) -> tuple[int, ...]:
        """All episodes of a story, in any order."""
        others = self._episodes.get(story, ())
        return tuple(others) if story in self._chapters else (story, *others)

    def provisional(self) -> list[int]:
        """The stories that are now part of another one and were not told to be, ascending."""
        return sorted({told for story, told in self._chapters.values() if story != told})

    def put(self, stories: dict[int, int]) -> list[Chapter]:
        """Put stories as far as they were told into stories; return what has changed."""
        within = (e for story in {self.story(told) for told in stories} for e in self._within(story))
        return self._update((e, stories[told], told) for e in within if (told := self.told(e)) in stories)

    def tell(self, told: int) -> list[Chapter]:
        """Let all episodes that were told to be in a story be told to be in the one that they are in now."""
        story = self.story(told)
        return self._update((e, story, story) for e in self.episodes_of([story]) if self.told(e) == told)

    def merge(self, episode: int, into: int) -> list[Chapter]:
        """Make one story of those of two episodes, of which the first becomes the second; return what has changed."""
        stories, told = (sorted({of(episode), of(into)}) for of in (self.story, self.told))
        one, as_told = (stories[0], told[0]) if into < episode else (self.story(into), self.told(into))
        changed = [(e, one, as_told if self.told(e) in told else self.told(e)) for e in self.episodes_of(stories)]
        return self._update(chapter if chapter[0] != episode else (episode,) * 3 for chapter in changed)

    def add(self, episode: int, beside: int) -> list[Chapter]:
        """Put a new episode into the story of another one, as far as that was told; return what has changed."""
        return self._update([(episode, self.story(beside), self.told(beside))])

    def replace(self, chapters: Iterable[Chapter]) -> list[Chapter]:
        """Replace what is known of some episodes; return what has changed."""
        return self._update(chapters)

    def part(self, episodes: Iterable[int]) -> list[Chapter]:
        """Make each a story of its own, whatever was told; return what has changed."""
        return self._update((episode,) * 3 for episode in episodes)

    def _update(self, chapters: Iterable[Chapter]) -> list[Chapter]:
        changed = sorted(one for one in chapters if one[1:] != (self.story(one[0]), self.told(one[0])))
        self.set(changed)
        return changed

"""What editors have decided on the stories of an index, as rules that whatever the index does by itself keeps to.

A rule is about two things: an article, which is its node, or a story, which is its number with a minus. The stories of
two things that are apart stay two; of two that are together they are one.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

from dedup.store.records import FACTS, DecisionRow
from dedup.stream.change_log import Kind
from dedup.stream.chapters import Chapter

Relation = Literal["apart", "together"]


class Rule(NamedTuple):
    """That two things stay apart, or together."""

    relation: Relation
    one: int
    other: int

    def renamed(self, thing: int, now: int) -> "Rule":
        """The rule about another thing in the place of one."""
        return Rule(self.relation, *(now if own == thing else own for own in self[1:]))


@dataclass(slots=True)
class Decision:
    """A decision of an editor that is in force, with what it takes to undo it.

    `story` is the story decided on, and `other` the one that it was made one with, that its articles were put into, or
    that it is kept apart from.
    """

    cursor: int
    kind: Kind
    story: int
    other: int | None = None
    title: str | None = None  # to show
    shown: int | None = None  # the node of the article to show
    rules: list[Rule] = field(default_factory=list)
    moved: list[tuple[int, int, int]] = field(default_factory=list)  # nodes, the episodes that they were and are put in
    made: list[tuple[int, int]] = field(default_factory=list)  # new episodes, and those that their articles were in
    chapters: list[Chapter] = field(default_factory=list)  # of all episodes of stories before they were merged
    replaced: list[tuple[int, Rule]] = field(default_factory=list)  # rules of former decisions, by their cursors

    @property
    def nodes(self) -> set[int]:
        """The articles that it is about."""
        ends = {thing for rule in self.rules for thing in rule[1:]} | {node for node, _, _ in self.moved}
        return {thing for thing in ends if thing > 0} | ({self.shown} if self.shown else set())

    @property
    def stories(self) -> set[int]:
        """The numbers of the stories that it is about."""
        return {-thing for rule in self.rules for thing in rule[1:] if thing < 0} | {self.story} - {0}

    def rename(self, thing: int, now: int) -> None:
        """Let what is said of a thing be said of another one."""
        self.rules = [rule.renamed(thing, now) for rule in self.rules]
        self.moved = [(now if node == thing else node, was, put) for node, was, put in self.moved]
        self.replaced = [(cursor, rule.renamed(thing, now)) for cursor, rule in self.replaced]
        if thing > 0:
            self.shown = now if self.shown == thing else self.shown
        else:
            self.story = -now if self.story == -thing else self.story
            self.other = -now if self.other == -thing else self.other

    def forget(self, is_gone: Callable[[int], bool]) -> bool:
        """Forget the things that are gone; return whether nothing is left that it decides."""
        self.rules = [rule for rule in self.rules if not (is_gone(rule.one) or is_gone(rule.other))]
        self.moved = [moved for moved in self.moved if not is_gone(moved[0])]
        self.replaced = [(n, rule) for n, rule in self.replaced if not (is_gone(rule.one) or is_gone(rule.other))]
        if self.shown and is_gone(self.shown):
            self.shown = None
        if self.kind == "editor_pinned":
            return is_gone(-self.story) or not (self.shown or self.title)
        return not self.rules and not self.moved

    def to_row(self) -> DecisionRow:
        """The decision as it is stored."""
        values = asdict(self)
        facts = json.dumps({name: values[name] for name in FACTS}, separators=(",", ":"))
        return DecisionRow(self.cursor, self.kind, facts)

    @classmethod
    def from_row(cls, row: DecisionRow) -> "Decision":
        """The decision that `to_row` made a row of.

        Examples
        --------
        >>> decision = Decision(7, "editor_moved", 1, 2, rules=[Rule("apart", 5, -1)], moved=[(5, 1, 2)])
        >>> Decision.from_row(decision.to_row()) == decision
        True
        """
        kind: Any = row.kind
        facts = json.loads(row.facts)
        facts["rules"] = [Rule(*rule) for rule in facts["rules"]]
        facts["replaced"] = [(cursor, Rule(*rule)) for cursor, rule in facts["replaced"]]
        facts |= {name: list(map(tuple, facts[name])) for name in ("moved", "made", "chapters")}
        return cls(row.cursor, kind, **facts)


class Decisions:
    """The decisions that are in force, by the cursors of their entries in the log of changes.

    Examples
    --------
    >>> decisions = Decisions()
    >>> decisions.add(Decision(7, "editor_forbade", 1, 2, rules=[Rule("apart", -1, -2)]))
    >>> decisions.rename(-2, -9)
    >>> list(decisions.rules("apart")), decisions.changed()
    ([Rule(relation='apart', one=-1, other=-9)], ([7], []))
    """

    def __init__(self, rows: Iterable[DecisionRow] = ()) -> None:
        self._decisions = {row.cursor: Decision.from_row(row) for row in rows}
        self._about: dict[int, set[int]] = {}  # the decisions about each thing
        self._changed: set[int] = set()
        for decision in self._decisions.values():
            self._index(decision)

    def __iter__(self) -> Iterator[Decision]:
        return iter([self._decisions[cursor] for cursor in sorted(self._decisions)])

    def __bool__(self) -> bool:
        return bool(self._decisions)

    def get(self, cursor: int) -> Decision | None:
        """The decision with that cursor, None when it is not in force."""
        return self._decisions.get(cursor)

    def add(self, decision: Decision) -> None:
        """Let a decision be in force; where it is already, it has changed."""
        self._decisions[decision.cursor] = decision
        self._changed.add(decision.cursor)
        self._index(decision)

    def remove(self, cursor: int) -> None:
        """Let a decision be in force no more."""
        del self._decisions[cursor]
        self._changed.add(cursor)

    def rules(self, relation: Relation) -> Iterator[Rule]:
        """The rules of a kind."""
        return (rule for own in self for rule in own.rules if rule.relation == relation)

    def rules_of(self, thing: int) -> list[tuple[int, Rule]]:
        """The rules about a thing, each with the cursor of its decision."""
        return [(own.cursor, rule) for own in self.about(thing) for rule in own.rules if thing in rule[1:]]

    def about(self, thing: int) -> list[Decision]:
        """The decisions about a thing, in the order in which they were made."""
        return [self._decisions[n] for n in sorted(self._about.get(thing, ())) if n in self._decisions]

    def rename(self, thing: int, now: int) -> None:
        """Let what was decided on a thing be decided on another one, which it has become."""
        for decision in self.about(thing):
            decision.rename(thing, now)
            self.add(decision)

    def forget(self, things: Iterable[int]) -> None:
        """Forget what was decided on things that are gone."""
        gone = {thing for thing in things if thing in self._about}
        for cursor in sorted({cursor for thing in gone for cursor in self._about[thing]} & self._decisions.keys()):
            decision = self._decisions[cursor]
            if decision.forget(gone.__contains__):
                self.remove(cursor)
            else:
                self.add(decision)

    def changed(self) -> tuple[list[int], list[int]]:
        """Cursors of decisions that have changed or come since the last time, and of those that went."""
        changed, self._changed = sorted(self._changed), set()
        return [n for n in changed if n in self._decisions], [n for n in changed if n not in self._decisions]

    def _index(self, decision: Decision) -> None:
        for thing in decision.nodes | {-story for story in decision.stories}:
            self._about.setdefault(thing, set()).add(decision.cursor)

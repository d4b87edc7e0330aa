"""Chains of steps that begin anywhere in time, and the steps of the whole archive, which take over what chains found.

Each step needs the graph that the one before it leaves, so that more workers would not help. But a graph forgets: once
all of its articles are later than where a chain began with nothing, and what was settled before is similar to none of
them, it is the graph of the whole archive, and so are all that follow. Where it is not, steps are made anew.
"""

import logging
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dedup.archive.job import Job
from dedup.archive.parts import Step, StepsAhead
from dedup.archive.stories import OpenGraph, StepResult, Timeline, step_after
from dedup.story.similarity import REACH_DAYS

_logger = logging.getLogger(__name__)

#: A chain begins so many days before the steps that it is for. With generated articles over 120 days, the graphs of
#: chains became those of the whole archive within 20 days.
WARM_UP_DAYS = 2 * REACH_DAYS

#: A chain is for this many steps at least, and for this many times the steps before them.
CHAIN_STEPS, CHAIN_SHARE = 12, 3


class Chain(NamedTuple):
    """The steps of a chain."""

    begin: int
    first: int  # the first step that it is for
    stop: int


def chains_of(time: Timeline) -> list[Chain]:
    """Return the chains, which are for all steps but the last: it has the undated articles, for which it needs all.

    Examples
    --------
    >>> days = np.arange(100.0)
    >>> chains_of(Timeline(np.arange(101), days, 100, [range(k, k + 1) for k in range(100)]))
    [Chain(begin=0, first=0, stop=84), Chain(begin=56, first=84, stop=99)]
    """
    chains, first, last = list[Chain](), 0, len(time.steps) - 1
    if not last:
        return chains
    begins = time.days[time.bounds[[step.start for step in time.steps]]]
    while first < last:
        begin = int(np.searchsorted(begins, begins[first] - WARM_UP_DAYS, side="right")) - 1 if first else 0
        after = int(np.searchsorted(begins, begins[first] + WARM_UP_DAYS))
        stop = min(first + max(CHAIN_STEPS, CHAIN_SHARE * (after - first)), last)
        chains.append(Chain(max(begin, 0), first, stop))
        first = stop
    return chains


def chain_numbers(job: Job) -> range:
    """Return the numbers of all chains."""
    return range(len(chains_of(Timeline.of(job))))


def follow_chain(job: Job, number: int, folder: Path) -> None:
    """Task: the steps of a chain, from a graph of nothing on."""
    time, part = Timeline.of(job), StepsAhead(folder)
    chain, graph = chains_of(time)[number], OpenGraph.empty()
    for step in range(chain.begin, chain.stop):
        result = step_after(job, time, step, graph, time.steps[chain.begin].start)
        graph = result.graph
        if step >= chain.first - 1:  # what the first step needs is kept too, to be compared
            own = part.step(step)
            own.folder.mkdir()
            result.save(own)


def make_step(job: Job, number: int, folder: Path) -> None:
    """Task: a step, after all before it."""
    time = Timeline.of(job)
    graph = OpenGraph.after(Step.of(job, number - 1)) if number else OpenGraph.empty()
    result = _ahead(job, time, number, graph) or step_after(job, time, number, graph)
    result.save(Step(folder))


def _ahead(job: Job, time: Timeline, number: int, graph: OpenGraph) -> StepResult | None:
    """Return what a chain found of a step, if it found it from the same graph."""
    for chain, of_chain in enumerate(chains_of(time)):
        if of_chain.first <= number < of_chain.stop:
            part = StepsAhead.of(job, chain)
            before = OpenGraph.after(part.step(number - 1)) if number else OpenGraph.empty()
            if all(map(np.array_equal, before, graph)):
                return StepResult.of(part.step(number))
            _logger.info("group: step %d begins with another graph than its chain has, and is made anew", number)
    return None

"""Run the quick tests on every Python from 3.11 on that is installed, but the one that runs this.

Interpreters are looked for on the PATH and among pyenv's versions. Each gets an environment of its own, .venv-3.12 and
so on, beside .venv. The first of them has the lowest version that pyproject.toml allows of every package, and not the
compiled loops; the others have what this one has.

From one Python to the next the standard library may differ (sqlite3, unicodedata, json, zoneinfo, argparse), what it
warns of (3.13: of a database that is left open), the order of sets, and which releases of other packages there are. So
all that reads, writes, stores, prints or installs is tested on each, with the examples of README and docs, which go
through every tier. Left out is what a Python cannot change, and what takes about half of the time: the tests that
compare our algorithms on arrays with slow twins, and long runs whose two sides are results of the same Python. `make
test` has run them.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
OLDEST = (3, 11)

# Extras with packages of which the lowest version is tried; those of tests and documentation are for developers.
EXTRAS = ["archive", "chinese", "feeds", "parquet", "plot", "postgres", "progress", "service"]

# What those lowest versions need and do not say: matplotlib 3.9 warns of later ones.
NEWER = ["pyparsing<3.3"]

# They need a browser or a fuzzer; neither knows which Python wrote the page or reads the text.
OTHER_TOOLS = ["docs/screenshots.py", "tests/fuzz", "tests/html/test_page_in_chromium.py"]

# Arrays against slow twins, and indexes against others that came about in another way.
ARRAYS = [
    "tests/archive/test_archived_versions.py",
    "tests/archive/test_batch.py",
    "tests/archive/test_forests.py",
    "tests/archive/test_joining.py",
    "tests/archive/test_steps.py",
    "tests/kernel",
    "tests/near/test_across.py",
    "tests/near/test_containment.py",
    "tests/near/test_keeping.py",
    "tests/near/test_large_buckets.py",
    "tests/near/test_lsh.py",
    "tests/near/test_minhash.py",
    "tests/near/test_repeats.py",
    "tests/near/test_shingles.py",
    "tests/near/test_sketches.py",
    "tests/near/test_times.py",
    "tests/near/test_verify.py",
    "tests/story/test_absorption.py",
    "tests/story/test_by_language.py",
    "tests/story/test_candidates.py",
    "tests/story/test_comparing.py",
    "tests/story/test_constraints.py",
    "tests/story/test_encoding.py",
    "tests/story/test_episodes.py",
    "tests/story/test_join_costs.py",
    "tests/story/test_merging.py",
    "tests/story/test_partition.py",
    "tests/story/test_pipeline.py",
    "tests/story/test_similarity.py",
    "tests/story/test_weighting.py",
    "tests/stream/test_copies.py",
    "tests/stream/test_joins.py",
    "tests/stream/test_live.py",
    "tests/stream/test_nodes.py",
    "tests/stream/test_postings.py",
    "tests/stream/test_steps.py",
    "tests/stream/test_time_postings.py",
    "tests/stream/test_totals.py",
    "tests/stream/test_unions.py",
    "tests/stream/test_vectors.py",
    "tests/stream/test_window.py",
    "tests/test_arrays.py",
    "tests/test_editor_histories.py",
    "tests/test_edits.py",
    "tests/test_memory.py",
    "tests/test_metrics.py",
    "tests/test_universal.py",
    "tests/test_verdicts.py",
]

# The longest of other files. Shorter tests of the same file, or of its neighbours, meet the same functions of Python.
LONG = [
    "tests/archive/test_encoder.py::test_a_job_that_fails_in_every_stage_of_the_encoder_goes_on",
    "tests/archive/test_encoder.py::test_few_articles_in_tiny_slices_are_as_in_the_batch",
    "tests/archive/test_encoder.py::test_neither_files_nor_order_nor_workers_change_a_byte",
    "tests/archive/test_encoder.py::test_the_sample_in_seven_languages_is_as_in_the_batch",
    "tests/archive/test_near_alone.py::test_any_parameters_do_what_they_do_in_the_batch",
    "tests/archive/test_near_alone.py::test_crowds_of_one_template_are_compared_as_in_the_batch",
    "tests/archive/test_near_alone.py::test_neither_files_nor_order_nor_workers_change_a_byte",
    "tests/archive/test_refusals.py::test_bad_and_repeated_articles_are_left_out_as_in_the_batch",
    "tests/archive/test_restart.py::test_a_file_that_changed_is_another_job",
    "tests/archive/test_restart.py::test_parts_of_another_job_do_not_stay_among_the_results",
    "tests/archive/test_restart.py::test_results_that_were_half_written_are_written_again",
    "tests/archive/test_results.py::test_it_is_the_index_that_begins_with_the_batch",
    "tests/article/test_ids.py::test_ids_are_those_of_the_articles_and_equal_ones_repeat",
    "tests/examples/test_ingest_service.py::test_health_is_answered_while_a_big_batch_is_written",
    "tests/examples/test_rss_ingest.py::test_a_signal_stops_it_cleanly_between_rounds",
    "tests/examples/test_rss_ingest.py::test_a_story_that_grows_is_printed_again_and_no_other",
    "tests/html/test_cards.py::test_long_fields_have_a_short_card",
    "tests/html/test_page.py::test_pairs_are_compared_alike_in_blocks_of_any_size",
    "tests/residue/test_find.py::test_a_megabyte_of_one_thing",
    "tests/stream/test_source_residue.py::test_articles_that_come_together_are_learned_as_those_that_come_alone",
    "tests/stream/test_text_features.py::test_a_copy_is_that_of_the_most_similar_the_earlier_of_equals",
    "tests/test_copying.py::test_new_reports_join_the_stories_of_the_batch_as_they_do_in_a_stream",
    "tests/test_explain.py::test_explanations_are_the_same_in_every_order_of_the_batch",
    "tests/test_explain.py::test_it_is_the_same_from_either_side",
    "tests/test_explain.py::test_odd_and_long_texts_are_explained_shortly",
    "tests/test_hostile.py::test_a_viral_text_takes_an_index_no_longer_the_thousandth_time",
    "tests/test_index.py::test_a_batch_that_fails_midway_leaves_nothing_behind",
    "tests/test_index.py::test_any_operations_keep_store_and_memory_consistent",
    "tests/test_index.py::test_copies_are_found_among_hundreds_that_share_a_template",
    "tests/test_index.py::test_many_at_once_are_assigned_as_one_by_one",
    "tests/test_index.py::test_refine_leaves_ids_where_most_of_their_reports_are",
    "tests/test_index.py::test_refine_returns_every_move_and_mends_what_was_misjudged",
    "tests/test_index.py::test_reports_many_at_once_are_assigned_as_one_by_one",
    "tests/test_index_encoder.py::test_one_by_one_many_at_once_and_reopened_are_the_same",
    "tests/test_index_encoder.py::test_refined_stories_are_those_of_a_batch",
    "tests/test_index_encoder.py::test_several_writers_have_the_vectors_of_what_others_wrote",
    "tests/test_index_pages.py::test_whatever_comes_is_the_version_that_the_rules_say",
    "tests/test_listing.py::test_a_story_that_does_not_change_comes_once",
    "tests/test_listing.py::test_both_stores_say_the_same",
    "tests/test_postgres.py::test_one_that_is_far_behind_reads_all_again",
    "tests/test_postgres.py::test_what_two_write_in_turns_is_what_one_would_have_written",
    "tests/test_promises.py::test_any_order_of_any_articles_gives_the_same_stories",
    "tests/test_promises.py::test_any_order_of_any_plain_texts_gives_the_same_grouping",
    "tests/test_promises.py::test_the_stories_of_any_articles_at_another_threshold_are_consistent",
    "tests/test_representative.py::test_more_copies_of_another_report_do_not_change_what_is_shown",
]
LEFT_OUT = [*OTHER_TOOLS, *ARRAYS, *LONG]


def main():
    found = interpreters()
    mine = sys.version_info[:2]
    found.pop(mine, None)
    names = ", ".join(f"{major}.{minor}" for major, minor in found) or "none"
    print(f"Pythons beside {mine[0]}.{mine[1]}: {names}", flush=True)
    failed = []
    for number, (version, path) in enumerate(found.items()):
        about = ", lowest versions of packages, without the compiled loops" if number == 0 else ""
        print(f"Python {version[0]}.{version[1]}: {path}{about}", flush=True)
        if not test(version, path, lowest=number == 0):
            failed.append(version)
    sys.exit(f"failed on {failed}" if failed else 0)


def interpreters():
    """Paths of interpreters by version, the first found of each."""
    found = {}
    names = (f"python3.{minor}" for minor in range(OLDEST[1], 30))
    pyenv = sorted(Path.home().glob(".pyenv/versions/*/bin/python"))
    for path in [*filter(None, map(shutil.which, names)), *map(str, pyenv)]:
        version = version_of(path)
        if version and version >= OLDEST:
            found.setdefault(version, path)
    return dict(sorted(found.items()))


def version_of(path):
    """Major and minor version of an interpreter; None when it does not start, as a shim of pyenv may not."""
    asked = subprocess.run([path, "-c", "import sys; print(sys.version)"], capture_output=True, text=True, check=False)
    match = re.match(r"(\d+)\.(\d+)", asked.stdout)
    return (int(match[1]), int(match[2])) if match else None


def lowest_versions():
    """Constraints, as pip calls them: of each package the lowest version that pyproject.toml allows."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    needed = [*project["dependencies"], *(name for extra in EXTRAS for name in project["optional-dependencies"][extra])]
    bounds = (re.match(r"([\w-]+)(?:\[\w+\])?>=([\d.]+)", name) for name in needed)
    return [f"{bound[1]}=={bound[2]}" for bound in bounds if bound] + NEWER


def test(version, path, *, lowest):
    """Whether the quick tests pass on an interpreter."""
    environment = ROOT / f".venv-{version[0]}.{version[1]}"
    python = environment / "bin" / "python"
    if not python.exists():
        subprocess.run([path, "-m", "venv", environment], check=True)
    # Modules are compiled when they are first imported, as most never are: pip would take twice the time.
    install = [python, "-m", "pip", "install", "--quiet", "--no-compile", "--editable", f"{ROOT}[test]"]
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as constraints:
        constraints.write("\n".join(lowest_versions() if lowest else []))
        constraints.flush()
        subprocess.run([*install, "--constraint", constraints.name], check=True)
    pytest = [python, "-m", "pytest", "-n", "auto", "-p", "no:cacheprovider"]
    pytest += [f"--{'deselect' if '::' in entry else 'ignore'}={entry}" for entry in LEFT_OUT]
    compiled_once = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    without = {"DEDUP_KERNEL": "off"} if lowest else {}
    return subprocess.run(pytest, cwd=ROOT, env=compiled_once | without, check=False).returncode == 0


if __name__ == "__main__":
    main()

"""The command `dedup`."""

from dedup.cli.program import main as main

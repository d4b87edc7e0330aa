"""How the compiled loops are found, and what they refuse."""

import os
import subprocess
import sys

import numpy as np
import pytest

from dedup.kernel import Kernel, kernel

SAY = "import logging; logging.basicConfig(level='INFO'); from dedup.kernel import kernel; print(kernel() is None)"


def said(**environment):
    ran = subprocess.run(
        [sys.executable, "-c", SAY], env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return ran.stdout.strip(), ran.stderr.strip()


def test_the_log_says_which_path_runs():
    assert said(DEDUP_KERNEL="off") == ("True", "INFO:dedup:the hot loops run in NumPy: DEDUP_KERNEL=off")
    if kernel() is not None:
        absent, message = said()
        assert absent == "False"
        assert message.startswith("INFO:dedup:the hot loops run compiled: ")


def test_what_c_would_read_wrongly_is_refused():
    compiled = kernel()
    if compiled is None:
        pytest.skip("the package was installed without a C compiler")
    hashes, offsets = np.zeros(4, dtype=np.uint32), np.array([0, 4])
    for wrong in (hashes.astype(np.uint64), hashes[::2], hashes.astype(">u4")):
        with pytest.raises(Exception, match="allowed: a contiguous one of uint32"):
            compiled.signatures(wrong, offsets, 1, hashes, hashes, 4, hashes)


def test_a_binary_of_another_version_is_not_used():
    class Older:
        """It lacks the functions that are asked for."""

    with pytest.raises(AttributeError):
        Kernel(Older())

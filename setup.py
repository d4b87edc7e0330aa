"""The one part of the build that pyproject.toml cannot say: the compiled kernel, without which all works too."""

import sysconfig

from setuptools import Extension, setup

# One binary for every Python from 3.11 on, but for those without the interpreter lock, which have no stable interface.
STABLE = not sysconfig.get_config_var("Py_GIL_DISABLED")

KERNEL = Extension(
    "dedup.kernel._compiled",
    sources=[
        f"dedup/kernel/{name}.c"
        for name in (
            *("module", "counts", "jaccard", "keys", "minhash", "moves", "pairs"),
            *("residue", "shingles", "stream", "tokens"),
        )
    ],
    depends=["dedup/kernel/kernel.h"],
    # Products are rounded before they are added, as NumPy does it: else results would differ from machine to machine.
    extra_compile_args=["-O3", "-ffp-contract=off"],
    py_limited_api=STABLE,
    optional=True,
)

setup(ext_modules=[KERNEL], options={"bdist_wheel": {"py_limited_api": "cp311"}} if STABLE else {})

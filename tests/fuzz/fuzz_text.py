"""Fuzz the text front by hand: ``python tests/fuzz/fuzz_text.py -max_total_time=60 [CORPUS]``; libFuzzer's options."""

import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["dedup"]):
    from text_front import CODECS, articles_of, check

# Where a fuzzer would take long to arrive by itself.
SEEDS = (
    "Kim Jong Un est arrivé mardi en Russie\x1fKim en Russie, train blindé.\x1e\x1d\x1eKim en Russie\x1d\x40",
    "金正恩 \U0001d400\u202e\u0301 Путин\x1e\ud835\udc00\ud800 <p>&nbsp;</p>\0\x1eÃ©tÃ© 12 13 14\x1d\xff",
)


def one_input(data):
    check(articles_of(data))


def main():
    with tempfile.TemporaryDirectory() as corpus:
        for number, codec in enumerate(CODECS[:3]):
            for place, seed in enumerate(SEEDS):
                data = bytes([number]) + seed.encode(codec, "surrogatepass")
                Path(corpus, f"{number}{place}").write_bytes(data)
                one_input(data)  # tables fill and files are read, which is not what is to be watched
        atheris.Setup([*sys.argv, corpus], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()

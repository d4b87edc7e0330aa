"""Where the data of the benchmarks comes from: labelled sets that are given, and corpora that are generated."""

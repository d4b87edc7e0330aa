"""texts -> tokens: folding, token bounds and hashes, as flat arrays."""

"""Turn texts into tokens: fold characters to bytes, then find and hash words, as flat arrays."""

"""Texts -> near-duplicates: shingles, MinHash signatures, LSH bands, exact verification, groups."""

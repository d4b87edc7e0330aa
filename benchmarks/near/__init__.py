"""Near-duplicates: speed, recall and growth."""

"""`dedup.archive`: more articles than fit into memory."""

"""Find residue in texts: what belongs to the site or the feed, not to the report."""

"""What belongs to the site or the feed, not to the report."""

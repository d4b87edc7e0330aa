"""`dedup.StoryIndex`: articles one at a time."""

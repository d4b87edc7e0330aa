"""Where a StoryIndex keeps its state."""

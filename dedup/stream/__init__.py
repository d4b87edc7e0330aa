"""The parts of a StoryIndex; what they keep in memory can be loaded again from the store."""

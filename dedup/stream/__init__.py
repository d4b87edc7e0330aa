"""What a StoryIndex keeps in memory about its live articles; all of it can be made again from the store."""

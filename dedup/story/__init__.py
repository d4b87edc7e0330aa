"""tokens -> stories: weighted features, similarity, partition."""

"""Texts -> stories: weighted features, similarity, partition."""

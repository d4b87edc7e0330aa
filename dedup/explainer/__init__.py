"""Explanations of two articles, and of an article and a story."""

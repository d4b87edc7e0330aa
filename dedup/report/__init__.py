"""Stories for people: pages and cards."""

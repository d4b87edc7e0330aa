"""Stories of a batch: quality beside other methods, growth, and what they look like."""

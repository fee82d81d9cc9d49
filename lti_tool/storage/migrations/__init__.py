"""The schema's history, run on both databases."""

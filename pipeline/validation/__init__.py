"""Checks the corpora with Great Expectations."""

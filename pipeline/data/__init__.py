"""Fetches, generates and reads corpora, and converts them to one schema."""

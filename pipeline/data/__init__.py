"""Fetches and generates corpora and reads them into one schema."""

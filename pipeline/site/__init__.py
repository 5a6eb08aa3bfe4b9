"""Converts a report to pages for a browser."""

"""Converts a report to web pages."""

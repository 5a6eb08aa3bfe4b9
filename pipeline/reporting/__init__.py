"""Turns scores into the pages of a report."""

"""Predictions, metrics and intervals."""

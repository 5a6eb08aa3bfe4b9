"""Computes predictions, metrics and confidence intervals."""

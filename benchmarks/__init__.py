"""Measurements of speed and experiments, started by hand."""

"""Task heads, which turn sentence vectors into predictions, with their losses and metrics."""

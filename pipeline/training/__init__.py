"""The multi-task trainer of the paper's section 4.5."""

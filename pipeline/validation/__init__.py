"""What the corpora are expected to be, checked with Great Expectations."""

"""minBERT: turns token ids into sentence vectors."""

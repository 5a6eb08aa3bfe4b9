"""minBERT: from token ids to vectors."""

"""minBERT, its pooling, its heads, and the weights that go into it."""

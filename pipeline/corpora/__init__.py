"""The four corpora: where they come from, how they are read, and what must hold for them."""

"""The corpora: fetched, generated and read in one schema."""

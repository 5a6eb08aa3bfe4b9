"""The library behind the stages: minBERT, its corpora, its trainer and its report."""

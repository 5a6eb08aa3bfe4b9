"""Tokenizes each text once, and keeps the token ids on disk."""

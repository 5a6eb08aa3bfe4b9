"""From text to token ids, once, on disk."""

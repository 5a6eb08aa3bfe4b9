"""Trained runs put to use: answers about new text, and folders that others can load."""

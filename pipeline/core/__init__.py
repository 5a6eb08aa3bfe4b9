"""Paths, files, corpora and tasks that every stage depends on; an edit here reruns everything."""

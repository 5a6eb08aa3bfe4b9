"""Plans, runs and times stages, and reads revisions: the only room that imports DVC."""

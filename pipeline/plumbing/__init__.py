"""Params, progress lines, checkpoint folders, stage start-up: no deps, since they change no out."""

"""Params, progress, checkpoints, how a stage starts: no deps, since they change no out."""

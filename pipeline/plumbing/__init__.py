"""Params, progress, checkpoints, stage start-up: not a dep of any stage, as it changes no out."""

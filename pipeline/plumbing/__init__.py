"""Params, progress and how a stage starts: no dep of any stage, since DVC tracks the values or no byte changes."""

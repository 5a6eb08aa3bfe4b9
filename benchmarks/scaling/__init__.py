"""How the pipeline grows: measured where it can be, simulated where not (docs/scaling.md)."""

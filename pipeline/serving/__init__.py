"""Uses trained runs: predicts new texts, and exports folders that other software can load."""

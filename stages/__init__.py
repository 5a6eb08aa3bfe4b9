"""One thin script for each stage in dvc.yaml."""

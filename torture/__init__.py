"""What must not break the pipeline, done to it: `make torture`; `make test` does a little."""

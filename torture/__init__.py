"""What must not break the pipeline, done to it: `make torture`, and a little of it in `make test`."""

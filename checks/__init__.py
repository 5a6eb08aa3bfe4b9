"""What `make check` runs that is no tool of its own."""

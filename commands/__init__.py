"""What a person asks for beside `make`: thin scripts, run by `python -m pipeline <command>`."""

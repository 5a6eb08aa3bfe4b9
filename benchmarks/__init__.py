"""Speed benchmarks and experiments that are started by hand."""

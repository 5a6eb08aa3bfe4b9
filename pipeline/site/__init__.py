"""The report as pages for a browser."""

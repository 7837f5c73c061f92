"""Benchmarks: ratios from one run, never absolute times."""

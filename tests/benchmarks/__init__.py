"""Benchmarks, run by hand: `python launch.py bench [NAME...] [--json FILE]`."""

"""Benchmarks: `make bench` runs them and writes build/bench.json. None of them is a test."""

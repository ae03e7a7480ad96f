"""Benchmarks on real letters, which the project does not contain: `make bench LETTERS=folder`."""

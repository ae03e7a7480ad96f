"""Measurements on real letters, which the project does not hold: `make bench LETTERS=folder`."""

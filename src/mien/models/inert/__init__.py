"""Stands in for the code of packages that are only read."""

"""Boxes and their overlap; faces turned upright by five points."""

"""Regions of a face: skin, eyes, brows, nose, lips, and what covers them."""

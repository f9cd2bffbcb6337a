"""Training: data, losses, recipes, the loop, export. Needs the extra `[train]` (PyTorch); nothing else of mien does."""

"""Pre-training on faces without labels: what a recipe's ``[pretrain]`` asks for."""

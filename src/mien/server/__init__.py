"""Galleries served over HTTP: one process, one gallery file by default, safe by default. Needs ``mien[serve]``."""

"""The nouns: frozen, checked when made, numpy only."""

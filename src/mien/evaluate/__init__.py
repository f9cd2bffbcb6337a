"""How far any face system can be trusted: metrics on arrays, protocols that make them, reports that say what they show.

Scores come first: a run writes a score file (`mien.evaluate.scores`), and every figure is computed from it again,
without pictures and without models.
"""

"""What can be asked of a gallery, each part built on the one before.

In this order: `session`, `building`, `reader`, `recording`, `narrowing`, `adding`, `undo`, `retention`; `Gallery` is
the last.
"""

"""Presentation attacks (ISO/IEC 30107): made material of known kind, clips, and challenges."""

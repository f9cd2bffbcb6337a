"""Morphed and made faces (ISO/IEC 20059): material of known kind, and what tells it from photographs."""

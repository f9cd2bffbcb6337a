"""Galleries as portable files, and what is held about one person as a document."""

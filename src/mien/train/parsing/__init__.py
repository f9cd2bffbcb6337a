"""A small network that parses faces, learnt from a folder of pictures and masks."""

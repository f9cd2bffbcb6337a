"""Routes, one file a resource: parse, call, shape the answer."""

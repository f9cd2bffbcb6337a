"""What is searched: the index in memory, its file beside the gallery, and how both follow the rows."""

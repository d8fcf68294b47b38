"""Paths of molecules between compounds: the request, the search and the result."""

"""Fit loops, and the corpus that they run on."""

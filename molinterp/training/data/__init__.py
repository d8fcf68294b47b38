"""Molecules and labels that models are trained on."""

"""Geometry without chemistry: curves in latent space."""

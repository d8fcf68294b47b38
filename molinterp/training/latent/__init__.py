"""Fit density, validity, features and heads on the latent space."""

"""What a latent point costs for not being real: density, validity, features, property windows."""

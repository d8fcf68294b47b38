"""The molecular VAE: tokens, network, decoding and the bundle that holds them."""

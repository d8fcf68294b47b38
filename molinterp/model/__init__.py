"""The molecular VAE: tokenizer, network, decoding, and the bundle that stores them."""

"""The molecular variational autoencoder and its decoding."""

"""Train the variational autoencoder."""

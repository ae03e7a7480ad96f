"""Compare the requests of a batch with the training data of a model."""

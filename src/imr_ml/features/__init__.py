"""Features: the requests table -> section tokens and facts -> one matrix with named columns."""

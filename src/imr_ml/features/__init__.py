"""Build one matrix with named columns from section tokens and facts."""

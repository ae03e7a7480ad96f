"""Clinical prose to features: words, facts (treatment, body part, drug, diagnosis, finding), quantities."""

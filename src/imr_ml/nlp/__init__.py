"""Extract words, facts (treatment, body part, drug, diagnosis, finding) and quantities from clinical prose."""

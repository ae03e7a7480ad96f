"""Count overturned requests by treatment, worker, time and guideline."""

"""Rates of overturned requests by what was requested, for whom, when and under which guideline."""

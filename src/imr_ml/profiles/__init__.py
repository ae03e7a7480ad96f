"""Profiles: what requests are like, as numbers and labels of each one, without their texts."""

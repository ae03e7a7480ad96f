"""Tracking: trained models -> MLflow runs and registered models; the UI on them."""

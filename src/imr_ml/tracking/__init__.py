"""Record trained models as MLflow runs and registered models, and open the MLflow UI."""

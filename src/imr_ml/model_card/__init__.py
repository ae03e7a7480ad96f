"""Model card: a trained model -> a page for people in Markdown: what it is for, how good it is and what it can't do.

Knows trained models and what was measured of them. Knows nothing of MLflow. No text of a request comes in here: counts,
settings and figures only.
"""

from imr_ml.model_card.rendering import CARD, Origin, model_card, write_card

__all__ = ["CARD", "Origin", "model_card", "write_card"]

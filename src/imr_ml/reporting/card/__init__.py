"""Model card of a trained model in Markdown: its intended use, metrics and limits."""

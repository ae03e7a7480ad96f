"""Model card: a trained model -> a page for people in Markdown: what it is for, how good it is and what it can't do."""

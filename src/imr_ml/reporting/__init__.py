"""Write what people read: the model card, figures, pages and rates."""

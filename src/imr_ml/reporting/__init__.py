"""Write reports for people: the model card, figures and pages."""

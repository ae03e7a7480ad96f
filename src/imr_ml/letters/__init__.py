"""Read letters (PDF or text) into `Letter` objects with their `DisputedItem`s."""

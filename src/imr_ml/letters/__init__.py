"""Letters: PDF or text -> `Letter` with its `DisputedItem`s."""

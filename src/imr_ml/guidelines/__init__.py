"""Guidelines: citation text -> citations and families, against a taxonomy held as data."""

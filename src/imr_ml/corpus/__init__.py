"""The requests table: its schema, storage, issues and duplicates."""

"""Precedents: the decided requests most like a new one, and how often such requests were overturned."""

"""The base of every room's error: something that the user can mend, told in one line; and what two rooms raise.

Knows nothing else.
"""


class ImrError(ValueError):
    """Bad input or a bad setting; the message says what, where and what to do."""


class SchemaError(ImrError):
    """A table that can't be read or is not a requests table; the message says what to do and holds no cell of it."""

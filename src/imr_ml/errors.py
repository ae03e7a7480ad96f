"""The base of every room's error: something that the user can mend, told in one line.

Knows nothing else.
"""


class ImrError(ValueError):
    """Bad input or a bad setting; the message says what, where and what to do."""

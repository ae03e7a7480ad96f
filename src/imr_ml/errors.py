"""Base class of user-facing errors, and errors raised by several packages."""


class ImrError(ValueError):
    """Invalid input or an invalid setting; the message states the problem, its place and the remedy."""


class SchemaError(ImrError):
    """A table that can't be read or is not a requests table; the message contains no values of its cells."""


class ModelError(ImrError):
    """A model folder that can't be used; the message names the folder, the reason and the remedy."""

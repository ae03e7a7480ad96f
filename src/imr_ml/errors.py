"""Base class of user-facing errors, and the errors that several rooms raise."""


class ImrError(ValueError):
    """Bad input or a bad setting; the message says what, where and what to do."""


class SchemaError(ImrError):
    """A table that can't be read or is not a requests table; the message says what to do and holds no cell of it."""


class ModelError(ImrError):
    """A model folder that can't be used; the message says which, why and what to do."""

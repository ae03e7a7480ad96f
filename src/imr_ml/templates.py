"""Load Jinja templates, strict about undefined names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def template(package: str, folder: str, name: str) -> Template:
    """A template of a package.

    Parameters
    ----------
    package : str
        Dotted name.
    folder : str
        Of its templates.
    name : str
        What is filled into one that makes HTML, ``.html.jinja``, is escaped.
    """
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(package, folder),
        autoescape=name.endswith(".html.jinja"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)

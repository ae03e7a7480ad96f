"""Load Jinja templates that raise an error for undefined names."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template


@cache
def load_template(package: str, folder: str, name: str) -> Template:
    """Load a template of a package.

    Parameters
    ----------
    package : str
        Dotted name of the package.
    folder : str
        Folder of templates in the package.
    name : str
        File name; values are escaped if it ends with ``.html.jinja``.
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

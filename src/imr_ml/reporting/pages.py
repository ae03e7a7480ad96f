"""Write a page: data that can't end a script, a policy that allows its own scripts only, shared files and formats."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from imr_ml.files import atomic_write
from imr_ml.templates import template

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


BATCH_PAGE = "imr_ml.reporting.batch_page"


def write_html(
    target: Path,
    package: str,
    name: str,
    scripts: Sequence[str] = (),
    data: dict[str, Any] | None = None,
    **values: object,
) -> None:
    """Write a page of one file that loads nothing.

    Text goes in as text: by autoescaping in the template, as JSON without a ``<`` for the scripts, which in turn only
    ever set text. A policy in the page forbids any script or style but its own, by their SHA-256, and any connection.

    Parameters
    ----------
    target : Path
        Appears when all is written.
    package, name : str
        Place and name of the template, which fills the blocks ``title`` and ``body`` of ``layout``, and of its style.
    scripts : sequence of str
        In the order in which they need each other.
    data : dict, optional
        What the scripts read.
    **values : object
        What the template fills in, besides `percent`, `points` and `count`.
    """
    from markupsafe import Markup

    style = page_style(package, name)
    written = template(package, "page", f"{name}.html.jinja").render(
        layout=template("imr_ml.reporting", "page", "layout.html.jinja"),
        policy=content_policy(style, *scripts),
        style=Markup(style),  # noqa: S704 - files of this package
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        data=Markup(embedded_json(data)) if data else "",  # noqa: S704 - holds no "<"
        percent=percent,
        points=points,
        count=count,
        **values,
    )
    with atomic_write(target) as temporary:
        temporary.write_text(written, encoding="utf-8", newline="\n")


def percent(share: float) -> str:
    """A share as a page shows it, such as ``"12.3 %"``."""
    return f"{100 * share:.1f} %"


def points(share: float) -> str:
    """A difference of shares in points, with its sign."""
    return f"{100 * share:+.1f}"


def count(number: int) -> str:
    """A number with its thousands apart."""
    return f"{number:,}"


def embedded_json(data: dict[str, Any]) -> str:
    """JSON for a script element: nothing in it can end the element or begin a comment."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def content_policy(style: str, *scripts: str) -> str:
    """Content-Security-Policy that allows one style and these scripts, by their SHA-256, and no connection."""
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def page_resource(name: str, package: str = BATCH_PAGE) -> str:
    """A file of a package's folder ``page``; the batch page's hold what the pages share."""
    return (files(package) / "page" / name).read_text("utf-8")


def page_style(package: str, name: str) -> str:
    """The style that all pages share, and a page's own."""
    return page_resource("page.css") + ("" if package == BATCH_PAGE else page_resource(f"{name}.css", package))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

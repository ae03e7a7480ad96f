"""Write HTML pages: safely embedded data, a content security policy, shared styles and number formats."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from imr_ml.files import atomic_write
from imr_ml.templates import load_template

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
    """Write a page as a single file that loads nothing else.

    Values are never parsed as HTML: the template escapes them, and scripts get JSON without a ``<`` and only set text.
    The page's content security policy allows only its own scripts and style, by their SHA-256, and no connection.

    Parameters
    ----------
    target : Path
        Written atomically.
    package, name : str
        Package and name of the template, which fills the blocks ``title`` and ``body`` of ``layout``, and of its style.
    scripts : sequence of str
        In order of their dependencies.
    data : dict, optional
        Data for the scripts.
    **values : object
        Values for the template, in addition to `percent`, `points` and `count`.
    """
    from markupsafe import Markup

    style = page_style(package, name)
    html = load_template(package, "page", f"{name}.html.jinja").render(
        layout=load_template("imr_ml.reporting", "page", "layout.html.jinja"),
        policy=content_policy(style, *scripts),
        style=Markup(style),  # noqa: S704 - files of this package
        scripts=[Markup(script) for script in scripts],  # noqa: S704
        data=Markup(embedded_json(data)) if data else "",  # noqa: S704 - contains no "<"
        percent=percent,
        points=points,
        count=count,
        **values,
    )
    with atomic_write(target) as temporary:
        temporary.write_text(html, encoding="utf-8", newline="\n")


def percent(share: float) -> str:
    """Format a share, e.g. ``"12.3 %"``."""
    return f"{100 * share:.1f} %"


def points(share: float) -> str:
    """Format a difference of shares in percentage points, with its sign."""
    return f"{100 * share:+.1f}"


def count(number: int) -> str:
    """Format a number with thousands separators."""
    return f"{number:,}"


def embedded_json(data: dict[str, Any]) -> str:
    """Format JSON for a script element; it can't close the element or start a comment."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def content_policy(style: str, *scripts: str) -> str:
    """Return a Content-Security-Policy that allows one style and these scripts, by SHA-256, and no connection."""
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts) or "'none'"
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def page_resource(name: str, package: str = BATCH_PAGE) -> str:
    """Read a file from a package's folder ``page``; shared files are in that of the batch page."""
    return (files(package) / "page" / name).read_text("utf-8")


def page_style(package: str, name: str) -> str:
    """Return the shared style followed by the page's own."""
    return page_resource("page.css") + ("" if package == BATCH_PAGE else page_resource(f"{name}.css", package))


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""What every page is made of: data that can't end a script, a policy that allows its own scripts only, shared files."""

from __future__ import annotations

import base64
import hashlib
import json
from importlib.resources import files
from typing import Any


def embedded_json(data: dict[str, Any]) -> str:
    """JSON that can stand in a script element: nothing in it can end the element or begin a comment."""
    return json.dumps(data, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")


def content_policy(style: str, *scripts: str) -> str:
    """Content-Security-Policy that allows one style and these scripts, by their SHA-256, and no connection."""
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def page_resource(name: str, package: str = "imr_ml.reporting.batch_page") -> str:
    """A file of a package's folder ``page``; the batch page's hold what the pages share."""
    return (files(package) / "page" / name).read_text("utf-8")


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""What we took from others is what they published."""

from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[2] / "lti_tool" / "web" / "static" / "vendor"


def test_every_vendored_file_has_the_hash_that_is_written_down() -> None:
    table = (VENDOR / "README.md").read_text()
    written = dict(re.findall(r"\| `([^`]+)` .* `sha384-([^`]+)` \|", table))
    found = {
        path.name: base64.b64encode(hashlib.sha384(path.read_bytes()).digest()).decode()
        for path in VENDOR.iterdir()
        if path.suffix in {".js", ".css"}
    }
    assert written == found
    assert len(found) == 2

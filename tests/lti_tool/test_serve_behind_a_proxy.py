"""`serve` in one process behind a proxy that speaks https for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.ports import free_port

HTTPS = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "tool.example"}
Served = Callable[[int], str]


@pytest.fixture
def serve_behind(tmp_path: Path) -> Iterator[Served]:
    """Start `serve` as an https address behind so many proxies; gives its own."""
    started: list[subprocess.Popen[bytes]] = []

    def start(proxies: int) -> str:
        port = str(free_port())
        program = Path(sys.executable).with_name("masterybridge")
        env = os.environ | {
            "MASTERYBRIDGE_DATA_DIR": str(tmp_path),
            "MASTERYBRIDGE_PUBLIC_URL": "https://tool.example",
            "MASTERYBRIDGE_TRUSTED_PROXIES": str(proxies),
        }
        subprocess.run([program, "db", "upgrade"], env=env, check=True)  # noqa: S603 -- ours
        words = [program, "serve", "--port", port, "--no-worker"]
        started.append(subprocess.Popen(words, env=env))  # noqa: S603 -- ours
        url = f"http://127.0.0.1:{port}"
        _wait_for(url)
        return url

    yield start
    for one in started:
        one.kill()
        one.wait()


def _wait_for(url: str) -> None:
    for _ in range(600):
        try:
            requests.get(f"{url}/healthz", timeout=30)
        except requests.ConnectionError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("the server never answered")


@pytest.mark.parametrize(("proxies", "code"), [(1, "E_REQ"), (0, "E_HTTPS")])
def test_the_word_of_a_proxy_counts_only_where_one_is_trusted(
    serve_behind: Served, proxies: int, code: str
) -> None:
    answer = requests.post(
        f"{serve_behind(proxies)}/lti/login", headers=HTTPS, timeout=30
    )
    assert answer.headers["X-MasteryBridge-Code"] == code

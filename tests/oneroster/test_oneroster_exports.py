"""``import oneroster`` gives every public name, and no Flask until it is asked for."""

import subprocess
import sys

import pytest

import oneroster


def test_every_public_name_is_there() -> None:
    missing = [name for name in oneroster.__all__ if not hasattr(oneroster, name)]
    assert missing == []
    assert len(set(oneroster.__all__)) == len(oneroster.__all__)


def test_a_name_that_is_not_there_is_told_of() -> None:
    with pytest.raises(AttributeError) as caught:
        _ = oneroster.nothing
    assert str(caught.value) == "module 'oneroster' has no attribute 'nothing'"


@pytest.mark.parametrize("module", ["flask", "sqlalchemy", "lti_tool"])
def test_importing_it_imports_no_application(module: str) -> None:
    script = f"import sys, oneroster; sys.exit({module!r} in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", script], check=False)  # noqa: S603 - our own script
    assert ran.returncode == 0

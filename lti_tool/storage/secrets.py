"""Secrets at rest: AES-GCM under the key of the settings, which no database holds."""

from __future__ import annotations

import base64
import binascii
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lti_tool.errors import ConfigError

_NONCE_BYTES: Final = 12
_MARK: Final = "v1."


def encrypt(text: str, key: bytes) -> str:
    """Return text encrypted under the 32-byte key; another value at each call."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(key).encrypt(nonce, text.encode(), _MARK.encode())
    return _MARK + base64.urlsafe_b64encode(nonce + sealed).decode()


def decrypt(sealed: str, key: bytes) -> str:
    """Return what encrypt was given.

    Raises:
        ConfigError: it was encrypted under another key, or is damaged.
    """
    try:
        octets = base64.urlsafe_b64decode(sealed.removeprefix(_MARK))
        opened = AESGCM(key).decrypt(
            octets[:_NONCE_BYTES], octets[_NONCE_BYTES:], _MARK.encode()
        )
    except (InvalidTag, ValueError, binascii.Error) as error:
        raise ConfigError(
            "a stored secret does not open with the key of "
            "MASTERYBRIDGE_SECRET_KEY_FILE; put the key file back that was in use "
            "when it was stored"
        ) from error
    return opened.decode()

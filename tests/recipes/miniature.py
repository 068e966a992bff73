"""A recipe's small world, run once a process with all seeds of its card: the contract and the recipe's own tests look at one proof."""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from tempfile import TemporaryDirectory

import pytest

from nearkin.recipes import Proof, reproduce


@dataclass(frozen=True, kw_only=True)
class Miniature:
    """What `reproduce` found, figures being lists over seeds, and the processor time it took."""

    proof: Proof
    spent_s: float


@cache
def miniature(name: str) -> Miniature:
    """The tiny run of a recipe, with nothing cached by earlier runs."""
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("NEARKIN_CACHE", folder)
        started = time.process_time()
        proof = reproduce(name, tiny=True)
    return Miniature(proof=proof, spent_s=time.process_time() - started)

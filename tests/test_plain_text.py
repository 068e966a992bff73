"""Plain text: what is kept and what goes."""

import pytest

from nearkin.plain_text import plain, plain_all


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Crème  brûlée, PS-LX350H (v2.0)!", "creme brulee ps lx350h v2.0"),
        ("", ""),
        (" \n\t", ""),
        ("ΑΒΓ Straße 東京", "αβγ straße 東京"),
        ("novel·la d'amor", "novel la d amor"),
    ],
)
def test_plain(text, expected):
    assert plain(text) == expected
    assert plain(plain(text)) == plain(text)
    assert plain_all([text, text]) == [expected, expected]

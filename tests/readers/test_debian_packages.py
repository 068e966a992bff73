"""A Debian package index with its long texts."""

import lzma

from nearkin.readers import read

PACKAGES = """Package: mpv
Version: 0.35
Section: video
Depends: libc6 (>= 2.34), libmpv2 | libmpv1:any,
 zlib1g
Recommends: yt-dlp
Tag: interface::graphical, role::program,
 use::playing
Description: video player
Description-md5: abc

Package: libmpv2
Section: libs
Description: video player library
"""
TRANSLATION = """Package: mpv
Description-md5: abc
Description-en: video player based on MPlayer
 It plays many
 formats:
  * one
  * two
 .
 The end.
"""


def test_an_index_and_the_texts_beside_it_are_read(tmp_path):
    (tmp_path / "Packages.xz").write_bytes(lzma.compress(PACKAGES.encode()))
    (tmp_path / "Translation-en").write_text(TRANSLATION)
    mpv, library = read(tmp_path / "Packages.xz", roles={"homepage": "other"})
    assert mpv == {
        "name": "mpv",
        "section": "video",
        "homepage": None,
        "short": "video player based on MPlayer",
        "long": "It plays many formats:\n* one\n* two\nThe end.",
        "tags": ["interface::graphical", "role::program", "use::playing"],
        "depends": ["libc6", "libmpv2", "zlib1g"],
        "recommends": ["yt-dlp"],
        "suggests": [],
        "enhances": [],
    }
    assert (library["short"], library["long"], library["tags"]) == ("video player library", "", [])

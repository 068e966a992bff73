"""Seeded catalogues with a planted answer, so that a right method is exactly right."""

from nearkin.worlds.cycles import cycles
from nearkin.worlds.twins import twins, words
from nearkin.worlds.two_lists import two_lists

__all__ = ["cycles", "twins", "two_lists", "words"]

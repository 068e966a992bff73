"""Which rows of two tables are the same thing, without labels and without a threshold to set."""

from nearkin.matching.match import match
from nearkin.matching.matches import Matches, Reason

__all__ = ["Matches", "Reason", "match"]

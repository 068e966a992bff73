"""Which rows of two tables are the same thing, without labels and without a threshold to set."""

from nearkin.matching.match import duplicates, match
from nearkin.matching.matches import Matches, Reason
from nearkin.matching.partners import Partners, given_pairs, pairs_once, partners

__all__ = ["Matches", "Partners", "Reason", "duplicates", "given_pairs", "match", "pairs_once", "partners"]

"""Known data sets by name, from the folders that NEARKIN_DATA lists; nothing is fetched unless asked for.

>>> from nearkin import data
>>> data.names()                                # doctest: +SKIP
['amazon-beauty', 'ir-scifact']
>>> data.load("ir-scifact").truth               # doctest: +SKIP
Links(339: 300 left, 5,183 right)
"""

from nearkin.data.load import available, load, names

__all__ = ["available", "load", "names"]

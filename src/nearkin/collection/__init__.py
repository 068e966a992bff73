"""A durable catalogue with its fitted stages."""

from nearkin.collection.answers import Answer, Answers
from nearkin.collection.collection import Collection

__all__ = ["Answer", "Answers", "Collection"]

"""Asking a language model to write: one small interface, and what is done with its answers."""

from __future__ import annotations

import json
import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence

from nearkin.errors import BadInput

logger = logging.getLogger(__name__)
LONGEST = 1_000  # signs of an answer that is still a profile
REFUSALS = ("i'm sorry", "i am sorry", "i cannot", "i can't", "as an ai", "i'm unable", "i am unable")
PROMPTS = {
    "item": "In at most 50 words, say what this item is and what kind of people would enjoy it. "
    'Answer with JSON: {{"summarization": "...", "reasoning": "..."}}.\nItem: {text}',
    "user": "In at most 100 words, say what kind of items this person likes, judging by what they had. "
    'Answer with JSON: {{"summarization": "...", "reasoning": "..."}}.\nHad: {text}',
}


class Writer(ABC):
    """Anything that answers a prompt with text: a server, a local model, or answers that were recorded."""

    name: str

    @abstractmethod
    def write(self, prompt: str, /) -> str:
        """The answer. Refused: a model that cannot be reached, or did not answer (`BadInput`)."""


def written(texts: Sequence[str], makers: Sequence[str], writer: Writer, kind: str) -> tuple[list[str], list[str]]:
    """Each text as the writer puts it, and who made it; an empty text is not sent, and an answer of no use leaves the text as it was."""
    found, by, useless = list(texts), list(makers), 0
    for place, text in enumerate(texts):
        if text.strip():
            said = summary(writer.write(PROMPTS[kind].format(text=text)))
            useless += said is None
            if said is not None:
                found[place], by[place] = said, writer.name
    if useless:
        logger.warning("%s gave %d answers of no use in %d; those keep their template", writer.name, useless, len(found))
    return found, by


def summary(answer: str) -> str | None:
    """What an answer says: the "summarization" of its JSON, or itself when it is plain text; None for refusals, junk and overlong ones."""
    text = answer.strip().removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    if text.startswith("{"):
        try:
            text = json.loads(text).get("summarization", "")
        except json.JSONDecodeError:
            return None
    if not isinstance(text, str) or not text.strip() or len(text) > LONGEST or text.lower().lstrip().startswith(REFUSALS):
        return None
    return " ".join(text.split())


def prompt_for(kind: str, text: str) -> str:
    """What is asked about an item or a user."""
    if kind not in PROMPTS:
        raise BadInput(f"a profile is one of {', '.join(PROMPTS)}; got {kind!r}")
    return PROMPTS[kind].format(text=text)

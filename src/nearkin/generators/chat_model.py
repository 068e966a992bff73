"""A language model behind an address that speaks OpenAI's chat completions, as most servers do."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from nearkin.errors import BadInput
from nearkin.generators.writer import Writer

BUSY = (429, 500, 502, 503, 504)  # what may pass when asked again


@dataclass(frozen=True, kw_only=True)
class ChatModel(Writer):
    """Prompt -> answer by POST {address}/chat/completions; one request a prompt, again after 1, 2, 4 ... seconds where a server is busy.

    The key is read from the environment variable `key_from` when it is asked for; it is neither kept nor shown. Wrap it in `Recorded`
    so that an answer is paid for once. Refused: an address that is not http(s); a server that says no, or nothing one can read.
    """

    address: str  # up to and with the version, such as http://localhost:8000/v1
    model: str
    key_from: str = "OPENAI_API_KEY"
    tokens: int = 200  # of an answer, at most
    wait_s: float = 60.0
    tries: int = 4

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.model

    def write(self, prompt: str, /) -> str:
        if not self.address.startswith(("http://", "https://")):
            raise BadInput(f"the address of a chat model begins with http:// or https://; got {self.address!r}")
        for attempt in range(self.tries):
            try:
                return _text(self._asked(prompt), self.address)
            except HTTPError as error:
                if error.code not in BUSY or attempt + 1 == self.tries:
                    raise BadInput(f"{self.address} answered {error.code} {error.reason}: {error.read(300)!r}") from error
            except (URLError, TimeoutError) as error:
                if attempt + 1 == self.tries:
                    raise BadInput(f"{self.address} cannot be reached: {error}") from error
            time.sleep(2**attempt)
        raise BadInput(f"tries must be 1 or more, got {self.tries}")

    def _asked(self, prompt: str) -> bytes:
        told = {"model": self.model, "messages": [{"role": "user", "content": prompt}], "max_tokens": self.tokens, "temperature": 0}
        heads = {"Content-Type": "application/json"}
        if key := os.environ.get(self.key_from, ""):
            heads["Authorization"] = f"Bearer {key}"
        request = Request(f"{self.address.rstrip('/')}/chat/completions", json.dumps(told).encode(), heads, method="POST")
        with urlopen(request, timeout=self.wait_s) as answer:
            held: bytes = answer.read()
        return held


def _text(body: bytes, address: str) -> str:
    try:
        return str(json.loads(body)["choices"][0]["message"]["content"])
    except (ValueError, KeyError, IndexError, TypeError) as error:
        raise BadInput(f"{address} gave no chat completion: {body[:200]!r}") from error

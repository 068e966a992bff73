"""A language model that runs in this process, from a folder or a Hugging Face name."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nearkin.errors import BadInput, Missing
from nearkin.generators.writer import Writer


@dataclass(kw_only=True)
class LocalModel(Writer):
    """Prompt -> the most likely answer of a causal model, by transformers; its chat template is used where it has one.

    Cost: that of the model; one with 135 million numbers writes a few tokens a second on a core. Refused: a model that is not there.
    """

    model: str
    tokens: int = 120  # of an answer, at most

    @property
    def name(self) -> str:  # type: ignore[override]
        return self.model

    def write(self, prompt: str, /) -> str:
        import torch

        tokenizer, model = self._running
        said, talks = prompt, bool(getattr(tokenizer, "chat_template", None))
        if talks:
            said = tokenizer.apply_chat_template([{"role": "user", "content": prompt}], tokenize=False, add_generation_prompt=True)
        given = tokenizer(said, return_tensors="pt", add_special_tokens=not talks)  # a template puts them in itself
        rows = {name: given[name] for name in ("input_ids", "attention_mask")}  # some models refuse what else a tokenizer gives
        with torch.inference_mode():
            found = model.generate(**rows, max_new_tokens=self.tokens, do_sample=False, pad_token_id=tokenizer.eos_token_id)
        return str(tokenizer.decode(found[0, rows["input_ids"].shape[1] :], skip_special_tokens=True))

    @cached_property
    def _running(self) -> tuple[Any, Any]:
        try:
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ImportError as error:
            raise Missing("transformers", "torch") from error
        try:
            return AutoTokenizer.from_pretrained(self.model), AutoModelForCausalLM.from_pretrained(self.model).eval()
        except (OSError, ValueError) as error:
            raise BadInput(f"no language model {self.model!r}: {error}") from error

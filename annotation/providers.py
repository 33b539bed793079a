"""The providers that this installation is set up to ask, side by side. All speak OpenAI's chat completions.

Which there are, where they listen and what their keys' variables are called is the installer's business, in the environment:
an address that could be typed into a form would let its author send requests from inside our network.

A model is named `provider:model`, e.g. `deepseek:deepseek-chat`, or by its bare name at the first provider.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings


class UnknownProvider(ValueError):
    """No provider of this name is set up."""


@dataclass(frozen=True)
class Provider:
    """`key_name` is the name of the variable that holds the key; the key itself is read at the moment of a call."""

    name: str
    label: str
    base_url: str
    key_name: str
    needs_key: bool = True

    @property
    def key(self) -> str:
        return os.environ.get(self.key_name, "")

    @property
    def address(self) -> str:
        """Its address as pages tell it: without a name, password or key that somebody has put into it."""
        parts = urlsplit(self.base_url)
        host = parts.netloc.rpartition("@")[2]
        shown = parts._replace(netloc=host, query="", fragment="").geturl()
        return shown.replace(self.key, "***") if len(self.key) >= 4 else shown

    @property
    def has_key(self) -> bool:
        return bool(self.key)

    @property
    def is_usable(self) -> bool:
        """Set up far enough to be asked. Whether it answers is another matter: `llm.probe`."""
        return bool(self.base_url) and (self.has_key or not self.needs_key)


def every() -> list[Provider]:
    """In the order of CQIA_PROVIDERS; the first is meant where none is named."""
    return [named(name) for name in settings.LLM_PROVIDERS]


def named(name: str) -> Provider:
    """Raises UnknownProvider."""
    try:
        known = settings.LLM_PROVIDERS[name]
    except KeyError:
        raise UnknownProvider(name) from None
    if name == "openai":  # its two variables are older than the others, and serve any one provider by themselves
        url = settings.OPENAI_BASE_URL or known["base_url"]
        return Provider(name, known["label"], url, known["key"], needs_key=not settings.OPENAI_BASE_URL)
    return Provider(name, known["label"], known["base_url"], known["key"], known["needs_key"])


def split(ref: str) -> tuple[str, str]:
    """(provider, model) of `provider:model` or of a bare model name. A colon inside a model's name is no provider."""
    head, colon, rest = ref.partition(":")
    if colon and rest and head in settings.LLM_PROVIDERS:
        return head, rest
    return next(iter(settings.LLM_PROVIDERS)), ref


def ref(provider: str, model: str) -> str:
    """What `split` takes apart: the bare name at the first provider, as long as that cannot be misread."""
    first = next(iter(settings.LLM_PROVIDERS), "")
    return model if provider == first and split(model) == (provider, model) else f"{provider}:{model}"


def is_configured() -> bool:
    """At least one provider could be asked."""
    return any(provider.is_usable for provider in every())

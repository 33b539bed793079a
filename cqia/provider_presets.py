"""The model providers that need no more than a key to be set up; read once, by the settings."""

from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

# name: what people call it, where it listens, the variable of its key, whether it wants one
PRESETS: dict[str, tuple[str, str, str, bool]] = {
    "openai": ("OpenAI", "https://api.openai.com/v1", "OPENAI_API_KEY", True),
    "deepseek": ("DeepSeek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", True),
    "qwen": ("Qwen (DashScope)", "https://dashscope.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", True),
    "vllm": ("vLLM", "http://127.0.0.1:8000/v1", "VLLM_API_KEY", False),
    "ollama": ("Ollama", "http://127.0.0.1:11434/v1", "OLLAMA_API_KEY", False),
}


def providers(env: environ.Env, names: list[str]) -> dict[str, dict[str, Any]]:
    """name -> label, base_url, key (the name of its variable), needs_key. NAME_BASE_URL moves a provider, and makes one of
    a name that is no preset. Raises ImproperlyConfigured for a name without an address: misspelt means stop."""
    found: dict[str, dict[str, Any]] = {}
    for name in (name.strip() for name in names):
        if not name.isascii() or not name.isidentifier() or name != name.lower() or len(name) > 32:
            raise ImproperlyConfigured(f"CQIA_PROVIDERS: {name!r} is no name. Use small letters, digits and _.")
        label, url, key, needs_key = PRESETS.get(name, (name, "", f"{name.upper()}_API_KEY", False))
        if name != "openai":  # OPENAI_BASE_URL is a setting of its own
            url = env.str(f"{name.upper()}_BASE_URL", default=url)
        if not url:
            raise ImproperlyConfigured(f"CQIA_PROVIDERS names {name}: set {name.upper()}_BASE_URL, or use one of {', '.join(PRESETS)}.")
        found[name] = {"label": label, "base_url": url, "key": key, "needs_key": needs_key}
    if not found:
        raise ImproperlyConfigured("CQIA_PROVIDERS is empty. Leave it unset for OpenAI alone.")
    return found

import pytest

from annotation import limits, llm
from tests.annotation.provider import Provider


@pytest.fixture
def provider(settings, monkeypatch):
    """A scripted provider that the product is set up to use."""
    server = Provider()
    settings.OPENAI_BASE_URL, settings.OPENAI_MODEL, settings.LLM_TIMEOUT = server.url, "scripted", 5.0
    monkeypatch.setenv("OPENAI_API_KEY", "sk-CANARY0123456789")
    llm._idle.clear()
    limits.forget()
    yield server
    server.shutdown()
    server.server_close()

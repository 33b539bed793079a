"""Files as they exist in the wild. They may not be published, so they lie beside the checkout, where there are any."""

from pathlib import Path

import pytest

WILD = Path(__file__).resolve().parents[3] / "shared" / "data"


@pytest.fixture
def wild():
    def find(name: str) -> Path:
        if not (WILD / name).exists():
            pytest.skip(f"{WILD / name} is not there: this test needs real input")
        return WILD / name

    return find


@pytest.fixture
def uploads(tmp_path, settings) -> Path:
    settings.UPLOADS = tmp_path / "uploads"
    return settings.UPLOADS

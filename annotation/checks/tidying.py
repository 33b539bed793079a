"""What one key may mend without asking: the spaces and the punctuation that the checks point at, and `...` for ……. Pure."""

import re

from sources import personal

from .base import HAN, masked
from .spacing import half_width, stray_spaces

DOTS = re.compile(rf"(?<=[{HAN}])\.{{3,6}}(?=[{HAN}\s”」）]|\Z)")


def tidied(text: str) -> str:
    """Code, formulas and addresses stay as they are. Twice is once."""
    prose = masked(text)
    edits = [(start, end, "") for start, end in stray_spaces(prose)]
    edits += [(at, at + 1 + (prose[at + 1 : at + 2] == " "), wide) for at, wide in half_width(prose)]
    edits += [(match.start(), match.end(), "……") for match in DOTS.finditer(prose)]
    for start, end, instead in sorted(edits, reverse=True):
        text = text[:start] + instead + text[end:]
    return text


def without_personal_data(text: str) -> str:
    """Masked, as an import would."""
    return personal.mask(text)

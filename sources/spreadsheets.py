"""Texts in a table that a spreadsheet opens. Pure. A cell that it would take for a formula is written with an apostrophe in
front (one that begins with an apostrophe is, too), so what was written can be read back exactly."""

SUFFIX = "excel.csv"  # how the name of a file ends whose cells are written so
# A cell that begins so is a formula, or is stripped until it is one. Full-width forms are folded by some programs.
DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠", "'")


def safe(cell: str) -> str:
    """A cell that a spreadsheet shows and does not compute."""
    return f"'{cell}" if cell.startswith(DANGEROUS) else cell


def exact(cell: str) -> str:
    """What `safe` was given."""
    return cell[1:] if cell.startswith("'") and cell.startswith(DANGEROUS, 1) else cell

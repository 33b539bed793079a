"""What lies beside the data, made of what is known about a version: the card, Croissant, and what trainers want. Pure."""

from .about import About, Part
from .croissant import croissant
from .readme import body, readme
from .trainers import dataset_info, training

__all__ = ["About", "Part", "body", "croissant", "dataset_info", "readme", "training"]

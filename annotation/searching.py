"""Pairs can be searched: the instruction as soon as the pair is there, input and response once the background has come by."""

from sources.segmenting import Searchable

from .models import Pair

PAIRS = Searchable("pairs", Pair, "instruction", ("input", "output"))

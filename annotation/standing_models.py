"""Where kept posts that have pairs stand, kept by the database itself: see docs/adr/0008."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Standing(models.Model):
    """How far a kept post has got: the status of that of its pairs that got farthest, and why if it was lost."""

    post = models.OneToOneField("sources.Post", primary_key=True, on_delete=models.CASCADE, related_name="standing")
    run = models.ForeignKey("sources.ImportRun", on_delete=models.CASCADE, related_name="+", db_index=False)
    source = models.ForeignKey("sources.Source", on_delete=models.CASCADE, related_name="+", db_index=False)
    status = models.CharField(max_length=16)  # of a pair
    reason = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes: ClassVar = [models.Index(name="standing_of_source", fields=["source", "status", "reason", "post"])]


class StandingTally(models.Model):
    """How many posts of a run stand where: the sum of `n` over its rows, as in sources.Tally."""

    run = models.ForeignKey("sources.ImportRun", on_delete=models.CASCADE, related_name="+", db_index=False)
    status = models.CharField(max_length=16)
    reason = models.CharField(max_length=64, blank=True)
    n = models.BigIntegerField()

    class Meta:
        indexes: ClassVar = [models.Index(name="standing_tally_of_run", fields=["run", "status", "reason"])]

"""How far the pairs of a source have been put into the order that its policy wants."""

from typing import ClassVar

from django.db import models
from django.db.models import Q

from sources.models import QueueOrder, Source


class Ranking(models.Model):
    """The order that the pairs of a source have, or are being given: those up to `cursor` have it, and all once it is `done`.
    A pair that is made meanwhile has it from the start. No row: all are in the order of their making."""

    source = models.OneToOneField(Source, on_delete=models.CASCADE, related_name="ranking")
    order = models.CharField(max_length=16, choices=QueueOrder, default=QueueOrder.OLDEST)
    seed = models.PositiveIntegerField(default=0)
    cursor = models.BigIntegerField(default=0)  # id of a pair
    done = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.CheckConstraint(name="ranking_order_is_known", condition=Q(order__in=QueueOrder.values))]

"""Under which numbers the accepted questions are filed (`bands`). A row may outlive what it says: who reads looks at the pair itself."""

from django.db import models


class NearBand(models.Model):
    pk = models.CompositePrimaryKey("band", "pair_id")
    band = models.BigIntegerField()
    pair_id = models.BigIntegerField()  # no constraint: ten look-ups for each decision would tell nothing

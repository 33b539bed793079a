from django.db import migrations

from sources.watching import watch


class Migration(migrations.Migration):
    dependencies = [("sources", "0009_search_index"), ("annotation", "0006_prices_limits_batches_and_scores")]
    operations = [watch("annotation_pair", "pairs", "instruction", "input", "output")]

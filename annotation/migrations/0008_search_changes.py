from django.db import migrations

from sources.watching import watch


class Migration(migrations.Migration):
    dependencies = [("sources", "0009_search_index"), ("annotation", "0007_reserved_seats_autosaves_comments")]
    operations = [watch("annotation_pair", "pairs", "instruction", "input", "output")]

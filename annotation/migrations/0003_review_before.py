from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("annotation", "0002_append_only")]
    operations = [migrations.AddField("review", "before", models.JSONField(default=dict))]

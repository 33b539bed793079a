from django.db import migrations

from accounts.append_only import append_only


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_append_only"), ("annotation", "0001_initial")]
    operations = [append_only("annotation_review"), append_only("annotation_draft"), append_only("annotation_promptversion")]

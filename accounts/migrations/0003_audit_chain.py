import django.db.models.deletion
from django.db import migrations, models

from accounts.append_only import append_only
from accounts.chain import CATCH_UP, TRIGGER, UNDO


class Migration(migrations.Migration):
    """Entries are linked from here on, those that are there already first."""

    dependencies = [("accounts", "0002_append_only")]
    operations = [
        migrations.CreateModel(
            name="AuditLink",
            fields=[
                ("position", models.BigIntegerField(primary_key=True, serialize=False)),
                (
                    "entry",
                    models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="link", to="accounts.auditentry"),
                ),
                ("previous", models.CharField(max_length=64)),
                ("digest", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddIndex("auditentry", models.Index(fields=["by", "-id"], name="audit_by_person")),
        migrations.AddIndex("auditentry", models.Index(fields=["action", "-id"], name="audit_by_action")),
        migrations.RunSQL(CATCH_UP, migrations.RunSQL.noop),
        migrations.RunSQL(TRIGGER, UNDO),
        append_only("accounts_auditlink"),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import datasets.models

# From a value to its line: the keys of COIG-CQIA in order, as they stand in the published files.
KEYS = ("instruction", "input", "output", "task_type", "domain", "metadata", "answer_from", "human_verified", "copyright")
TASK = """'{"major": ' || (data #> '{task_type,major}')::text || ', "minor": ' || (data #> '{task_type,minor}')::text || '}'"""
PARTS = ", ".join(f"""'"{key}": ' || {TASK if key == "task_type" else f"(data -> '{key}')::text"}""" for key in KEYS)
EXACT = f"ALTER TABLE datasets_record ALTER COLUMN data TYPE json USING ('{{' || concat_ws(', ', {PARTS}) || '}}')::json"
JSONB = "ALTER TABLE datasets_record ALTER COLUMN data TYPE jsonb USING data::jsonb"


class Migration(migrations.Migration):
    dependencies = [
        ("annotation", "0003_review_before"),
        ("datasets", "0002_frozen"),
        ("sources", "0003_fetch"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Export",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease_token", models.UUIDField(editable=False, null=True)),
                ("lease_until", models.DateTimeField(editable=False, null=True)),
                ("not_before", models.DateTimeField(editable=False, null=True)),
                ("error_code", models.CharField(blank=True, max_length=64)),
                ("error_detail", models.TextField(blank=True)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                ("schema", models.CharField(max_length=32)),
                ("format", models.CharField(max_length=16)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("queued", "Waiting"),
                            ("running", "Running"),
                            ("succeeded", "Done"),
                            ("failed", "Failed"),
                            ("cancelled", "Cancelled"),
                        ],
                        default="queued",
                        max_length=16,
                    ),
                ),
                ("rows", models.PositiveIntegerField(default=0)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Preference",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("kind", models.CharField(choices=[("edit", "Edited"), ("ranked", "Chosen"), ("bad", "Rejected")], max_length=8)),
                ("position", models.PositiveIntegerField()),
                ("split", models.CharField(default="train", max_length=16)),
            ],
            options={
                "ordering": ["version", "kind", "position"],
            },
        ),
        migrations.CreateModel(
            name="Removal",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.CharField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Takedown",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("reason", models.TextField()),
                ("at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.RemoveConstraint(
            model_name="record",
            name="record_pair_once",
        ),
        migrations.RemoveConstraint(
            model_name="version",
            name="version_frozen_is_whole",
        ),
        migrations.AddField(
            model_name="dataset",
            name="readers",
            field=models.ManyToManyField(blank=True, related_name="datasets", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="file",
            name="rows",
            field=models.PositiveIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="file",
            name="split",
            field=models.CharField(default="train", max_length=16),
        ),
        migrations.AddField(
            model_name="version",
            name="facts",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="version",
            name="preferences",
            field=models.JSONField(default=dict),
        ),
        migrations.AddField(
            model_name="version",
            name="released_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="version",
            name="withdrawal",
            field=models.TextField(blank=True),
        ),
        migrations.AddField(
            model_name="version",
            name="withdrawn_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(EXACT, JSONB)],
            [migrations.AlterField(model_name="record", name="data", field=datasets.models.ExactJSON())],
        ),
        migrations.AlterField(
            model_name="record",
            name="pair",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="records",
                to="annotation.pair",
            ),
        ),
        migrations.AlterField(
            model_name="record",
            name="review",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="records",
                to="annotation.review",
            ),
        ),
        migrations.AlterField(
            model_name="record",
            name="version",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="records", to="datasets.version"
            ),
        ),
        migrations.AlterField(
            model_name="version",
            name="state",
            field=models.CharField(
                choices=[
                    ("queued", "Waiting"),
                    ("running", "Building"),
                    ("ready", "Draft"),
                    ("released", "Released"),
                    ("withdrawn", "Withdrawn"),
                    ("failed", "Failed"),
                    ("cancelled", "Cancelled"),
                ],
                default="queued",
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="record",
            constraint=models.UniqueConstraint(fields=("pair", "version"), name="record_pair_once"),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("state__in", ["queued", "running", "failed", "cancelled"]),
                    models.Q(models.Q(("sha256", ""), _negated=True), ("records_count__isnull", False)),
                    _connector="OR",
                ),
                name="version_frozen_is_whole",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("state", "released"), _negated=True), ("released_at__isnull", False), _connector="OR"),
                name="version_released_is_dated",
            ),
        ),
        migrations.AddConstraint(
            model_name="version",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("state", "withdrawn"), _negated=True),
                    models.Q(("withdrawn_at__isnull", False), models.Q(("withdrawal", ""), _negated=True)),
                    _connector="OR",
                ),
                name="version_withdrawn_has_reason",
            ),
        ),
        migrations.AddField(
            model_name="export",
            name="by",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="export",
            name="version",
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="exports", to="datasets.version"),
        ),
        migrations.AddField(
            model_name="preference",
            name="draft",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotation.draft"
            ),
        ),
        migrations.AddField(
            model_name="preference",
            name="pair",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotation.pair"
            ),
        ),
        migrations.AddField(
            model_name="preference",
            name="review",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotation.review"
            ),
        ),
        migrations.AddField(
            model_name="preference",
            name="version",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="preference_rows", to="datasets.version"
            ),
        ),
        migrations.AddField(
            model_name="removal",
            name="pair",
            field=models.ForeignKey(
                db_constraint=False, db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="annotation.pair"
            ),
        ),
        migrations.AddField(
            model_name="removal",
            name="version",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="removals", to="datasets.version"
            ),
        ),
        migrations.AddField(
            model_name="takedown",
            name="by",
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name="takedown",
            name="post",
            field=models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, related_name="takedown", to="sources.post"),
        ),
        migrations.AddConstraint(
            model_name="export",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["queued", "running"])),
                fields=("version", "schema", "format"),
                name="export_once_at_a_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="preference",
            constraint=models.UniqueConstraint(fields=("version", "kind", "position"), name="preference_position_once"),
        ),
        migrations.AddConstraint(
            model_name="removal",
            constraint=models.UniqueConstraint(fields=("version", "pair"), name="removal_once"),
        ),
    ]

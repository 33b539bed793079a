from django.db import migrations, models

FILE = "INSERT INTO annotation_nearband (band, pair_id) SELECT * FROM unnest(%s::bigint[], %s::bigint[]) ON CONFLICT DO NOTHING"
CHUNK = 2_000  # pairs


def file_the_accepted(apps, editor):
    """Those that were accepted before there were numbers to file them under."""
    from annotation.near import bands_of  # noqa: PLC0415 - the numbers must be those that are looked up

    accepted, last = apps.get_model("annotation", "Pair").objects.filter(status="accepted").order_by("pk"), 0
    while chunk := list(accepted.filter(pk__gt=last).values_list("pk", "instruction", "input")[:CHUNK]):
        filed = [(band, pk) for pk, *texts in chunk for band in bands_of(*texts)]
        with editor.connection.cursor() as cursor:
            cursor.execute(FILE, [[band for band, _pk in filed], [pk for _band, pk in filed]])
        last = chunk[-1][0]


class Migration(migrations.Migration):
    dependencies = [("annotation", "0011_several_people")]

    operations = [
        migrations.CreateModel(
            name="NearBand",
            fields=[
                ("pk", models.CompositePrimaryKey("band", "pair_id", blank=True, editable=False, primary_key=True, serialize=False)),
                ("band", models.BigIntegerField()),
                ("pair_id", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(file_the_accepted, migrations.RunPython.noop, elidable=True),
    ]

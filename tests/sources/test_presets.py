import pytest

from sources import policy, presets
from sources.models import Source


def test_the_demos_sources_come_first():
    assert list(presets.PRESETS)[:6] == ["ruozhiba", "zhihu", "xiaohongshu", "douban", "baike", "exam"]
    assert {"wikihow", "segmentfault"} < set(presets.PRESETS)


@pytest.mark.parametrize("slug", presets.PRESETS)
def test_a_preset_is_a_policy_that_an_admin_could_have_written(slug):
    preset = presets.PRESETS[slug]
    assert policy.check_templates(preset["instruction_templates"]) == preset["instruction_templates"]
    assert policy.check_screens(preset["screens"]) == preset["screens"]
    assert presets.guidelines(slug).count("###") >= 2
    Source(slug=slug, **preset).clean_fields(exclude=["guidelines"])


@pytest.mark.django_db
def test_presets_are_added_once_and_what_an_admin_changed_stays():
    presets.ensure()
    Source.objects.filter(slug="wikihow").update(name="mine")
    presets.ensure()
    presets.ensure("segmentfault")
    assert Source.objects.count() == len(presets.PRESETS)
    assert Source.objects.get(slug="wikihow").name == "mine"
    with pytest.raises(KeyError):
        presets.ensure("nowhere")

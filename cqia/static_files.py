"""Static files under names with their hash in it, also inside `import … from` of our own modules: after an upgrade no
browser mixes old modules with new ones."""

from django.contrib.staticfiles.storage import HashedFilesMixin
from whitenoise.storage import CompressedManifestStaticFilesStorage

_MODULES = "review/*.js"  # not everybody's: what packages ship imports files that they do not ship


class HashedFiles(CompressedManifestStaticFilesStorage):
    # Django has these patterns behind a switch for all files; taken for ours alone.
    patterns = (*HashedFilesMixin.patterns, (_MODULES, HashedFilesMixin._js_module_import_aggregation_patterns[1]))  # type: ignore[attr-defined]

"""What the description of the API (OpenAPI) tells of a view beside what it takes and gives."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.settings import spectacular_settings
from rest_framework.permissions import SAFE_METHODS


class ApiSchema(AutoSchema):
    def get_extensions(self) -> dict[str, Any]:
        """`x-role`: the least role that may call it, as `HasRole` sees it."""
        role = getattr(self.view, "role", "viewer")
        return {"x-role": role if self.method in SAFE_METHODS else getattr(self.view, "role_to_write", role)}

    def get_tags(self) -> list[str]:
        """The last part of the path that names a kind of thing; the descriptions of them stand in the settings."""
        known = {tag["name"] for tag in spectacular_settings.TAGS}
        return [[part for part in self.path.split("/") if part in known][-1]]

"""The four roles, and how far a token may go."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Role(models.TextChoices):
    """Each role can do all that the ones before it can."""

    VIEWER = "viewer", _("Viewer")
    REVIEWER = "reviewer", _("Reviewer")
    LEAD = "lead", _("Lead")
    ADMIN = "admin", _("Admin")


class Scope(models.TextChoices):
    """What a token is for; never more than its person may."""

    READ = "read", _("Read")
    REVIEW = "review", _("Read and review")
    MANAGE = "manage", _("Everything that my role may")

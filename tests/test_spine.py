"""What everything stands on: the database refuses what the log must not suffer."""

import pytest
from django.db import DatabaseError, connection, transaction

from accounts.models import AuditEntry


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["UPDATE accounts_auditentry SET action = 'x'", "DELETE FROM accounts_auditentry"])
def test_the_audit_log_refuses_to_be_changed(change):
    AuditEntry.objects.create(action="made", subject="source 1")
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change)
    assert AuditEntry.objects.get().action == "made"

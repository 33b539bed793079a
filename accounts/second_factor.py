"""The second factor: codes of an app (TOTP, RFC 6238), and backup codes for when the phone is gone."""

import base64
import hashlib
import hmac
import io
import secrets
import time

import pyotp
import segno
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from .models import AuditEntry, Authenticator, BackupCode, User, digest_of

STEP = 30  # seconds
CODES = 10
ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"  # no two of them look alike


def is_on(person: User) -> bool:
    return Authenticator.objects.filter(person=person, confirmed_at__isnull=False).exists()


def is_demanded(person: User) -> bool:
    """Whether this person must have one: the settings may demand it of admins."""
    return bool(settings.REQUIRE_TOTP) and person.has_role("admin")


def begin(person: User) -> str:
    """The secret to be confirmed by a code: made once, and the same until it is confirmed."""
    found = Authenticator.objects.filter(person=person).first()
    if found and found.confirmed_at is None and (secret := _open(found.sealed)):
        return secret
    secret = pyotp.random_base32()
    Authenticator.objects.update_or_create(person=person, defaults={"sealed": _seal(secret), "confirmed_at": None, "last_step": 0})
    return secret


def uri(person: User, secret: str) -> str:
    return pyotp.TOTP(secret).provisioning_uri(name=person.username, issuer_name=str(settings.PRODUCT_NAME))


def picture(text: str) -> bytes:
    """A QR code as SVG."""
    out = io.BytesIO()
    segno.make(text, error="m").save(out, kind="svg", scale=5, border=4, xmldecl=False, dark="#000", light="#fff")
    return out.getvalue()


def confirm(person: User, code: str) -> list[str] | None:
    """Switch it on, if the app shows the right code: the backup codes, seen this one time. None otherwise."""
    with transaction.atomic():
        if is_on(person) or not _matches(person, code):
            return None
        Authenticator.objects.filter(person=person).update(confirmed_at=timezone.now())
        codes = _new_codes(person)
        AuditEntry.objects.create(by=person, action="second_factor_on", subject=f"person {person}"[:200])
    return codes


def check(person: User, code: str) -> bool:
    """Whether `code` is the app's, or a backup code. Each counts once."""
    if _matches(person, code):
        return True
    given = digest_of(code.strip().lower().replace("-", ""))
    return bool(BackupCode.objects.filter(person=person, digest=given, used_at=None).update(used_at=timezone.now()))


def switch_off(person: User, *, by: User | None) -> None:
    with transaction.atomic():
        if Authenticator.objects.filter(person=person).delete()[0]:
            BackupCode.objects.filter(person=person).delete()
            AuditEntry.objects.create(by=by, action="second_factor_off", subject=f"person {person}"[:200])


def _matches(person: User, code: str) -> bool:
    """The code of now, or of the half minute before or after. The same code again is wrong, also at the same moment."""
    found = Authenticator.objects.filter(person=person).first()
    secret = _open(found.sealed) if found else None
    if not found or not secret:
        return False
    now, given = int(time.time()) // STEP, code.strip().replace(" ", "")
    for step in (now - 1, now, now + 1):
        if step > found.last_step and hmac.compare_digest(pyotp.TOTP(secret).at(step * STEP).encode(), given.encode()):
            return bool(Authenticator.objects.filter(pk=found.pk, last_step__lt=step).update(last_step=step))
    return False


def _new_codes(person: User) -> list[str]:
    BackupCode.objects.filter(person=person).delete()
    codes = ["".join(secrets.choice(ALPHABET) for _ in range(16)) for _ in range(CODES)]  # 79 bits: nobody tries them all
    BackupCode.objects.bulk_create(BackupCode(person=person, digest=digest_of(code)) for code in codes)
    return ["-".join(code[at : at + 4] for at in range(0, 16, 4)) for code in codes]


def _fernet() -> MultiFernet:
    """A key that the database never sees, of the SECRET_KEY; what an earlier one sealed opens with SECRET_KEY_FALLBACKS."""
    keys = [str(settings.SECRET_KEY), *map(str, settings.SECRET_KEY_FALLBACKS)]
    digests = [hashlib.sha256(b"accounts.second_factor" + key.encode()).digest() for key in keys]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(digest)) for digest in digests])


def _seal(secret: str) -> str:
    return _fernet().encrypt(secret.encode()).decode()


def _open(sealed: str) -> str | None:
    try:
        return _fernet().decrypt(sealed.encode()).decode()
    except InvalidToken:
        return None

"""What Web Push asks of cryptography: a payload that only the browser can read, and who we are. Serves arrow 9.

Owns the arithmetic of RFC 8291 (over RFC 8188, one record) and of RFC 8292 (VAPID). Pure: keys, salts and time are
arguments. Must not know HTTP, or what is said.

Looked at: pywebpush 2 (MPL-2.0; brings aiohttp, requests, http-ece as source only, py-vapid, and sends by itself),
webpush (brings pydantic models of its own and PyJWT), http-ece alone (source only). Each does in the end what stands
here with `cryptography`, which the gateway has already; a test reads what is made here with a second way through the
same RFCs, and with the RFC's own example.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nattevakt.edge.errors import RejectError

RECORD_SIZE = 4096
SALT_BYTES = 16
AUTH_BYTES = 16
POINT_BYTES = 65
TOKEN_S = 12 * 3600
"""How long one of our signed names holds; push services take at most a day."""
_LAST = b"\x02"


def decode(where: str, text: str, length: int) -> bytes:
    """Base64url, with or without padding, of so many bytes. Raises RejectError naming the field."""
    try:
        found = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise RejectError(where, "is not base64url") from None
    if len(found) != length:
        raise RejectError(where, f"must be {length} bytes")
    return found


def encode(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def point(where: str, text: str) -> ec.EllipticCurvePublicKey:
    """A browser's public key. Raises RejectError naming the field."""
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), decode(where, text, POINT_BYTES))
    except (ValueError, InvalidKey):
        raise RejectError(where, "is no point on the curve") from None


def encrypted(
    payload: bytes, p256dh: str, auth: str, salt: bytes, ephemeral: ec.EllipticCurvePrivateKey, pad_to: int = 0
) -> bytes:
    """The body of one push, aes128gcm. pad_to: so many bytes at least, so that its length says nothing.

    salt: 16 random bytes, new each time; ephemeral: a key that is made for this one push.
    """
    theirs = point("p256dh", p256dh)
    secret = decode("auth", auth, AUTH_BYTES)
    public = _raw(ephemeral.public_key())
    shared = ephemeral.exchange(ec.ECDH(), theirs)
    ikm = _hkdf(shared, secret, b"WebPush: info\x00" + _raw(theirs) + public, 32)
    key = _hkdf(ikm, salt, b"Content-Encoding: aes128gcm\x00", 16)
    nonce = _hkdf(ikm, salt, b"Content-Encoding: nonce\x00", 12)
    plain = payload + _LAST + b"\x00" * max(0, pad_to - len(payload))
    header = salt + struct.pack("!LB", RECORD_SIZE, len(public)) + public
    return header + AESGCM(key).encrypt(nonce, plain, None)


def read_key(where: str, text: str) -> ec.EllipticCurvePrivateKey:
    """Our own key as it stands in its file: PEM, P-256. Raises RejectError naming the setting."""
    try:
        found = serialization.load_pem_private_key(text.encode(), None)
    except (ValueError, TypeError):
        raise RejectError(where, "the file must hold a private key as PEM, without a password") from None
    if not isinstance(found, ec.EllipticCurvePrivateKey) or not isinstance(found.curve, ec.SECP256R1):
        raise RejectError(where, "the key must be on the curve P-256")
    return found


def public_text(key: ec.EllipticCurvePrivateKey) -> str:
    """The public half as browsers want it (applicationServerKey)."""
    return encode(_raw(key.public_key()))


def vapid(key: ec.EllipticCurvePrivateKey, audience: str, contact: str, at_ms: int) -> str:
    """The Authorization header. audience: the push service's origin. contact: "mailto:..." or "https://..."."""
    head = encode(json.dumps({"typ": "JWT", "alg": "ES256"}).encode())
    claims = {"aud": audience, "exp": at_ms // 1000 + TOKEN_S, "sub": contact}
    body = f"{head}.{encode(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
    token = f"{body}.{encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"
    return f"vapid t={token}, k={public_text(key)}"


def _hkdf(secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    return HKDF(hashes.SHA256(), length, salt, info).derive(secret)


def _raw(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)

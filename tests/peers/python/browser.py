"""A browser: prints its keys, reads a message that was sent to it, and prints what it says.

The message comes as one line of JSON: the body in base64, the Authorization header, the origin.
"""

import base64
import json
import os
import sys

import http_ece
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unbase64url(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


private = ec.generate_private_key(ec.SECP256R1())
point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
auth = os.urandom(16)
print(json.dumps({"p256dh": base64url(point), "auth": base64url(auth)}), flush=True)

sent = json.loads(sys.stdin.readline())
plaintext = http_ece.decrypt(
    base64.b64decode(sent["body"]), private_key=private, auth_secret=auth, version="aes128gcm"
)

scheme, _, parameters = sent["authorization"].partition(" ")
shown = dict(parameter.strip().split("=", 1) for parameter in parameters.split(","))
key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), unbase64url(shown["k"]))
claims = jwt.decode(shown["t"], key, algorithms=["ES256"], audience=sent["origin"])
print(json.dumps({"scheme": scheme, "claims": claims, "message": json.loads(plaintext)}), flush=True)

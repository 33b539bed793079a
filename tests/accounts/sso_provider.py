"""A little provider of single sign-on, on loopback: what OpenID Connect asks of one, and lies on demand."""

import base64
import hashlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "zhumo", "s p+c/i:al"


class Provider:
    """`issuer` is where it listens. `claims` of whoever signs in; `lies` are put over what it signs."""

    def __init__(self) -> None:
        self.key = self.other_key = rsa.generate_private_key(65537, 2048)
        self.claims: dict[str, Any] = {"sub": "u-1", "email": "reviewer@example.org", "email_verified": True}
        self.lies: dict[str, Any] = {}
        self.algorithm = "RS256"
        self.codes: dict[str, dict[str, str]] = {}
        self.is_down = False
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None: ...

            def do_GET(self) -> None:
                here = {"/.well-known/openid-configuration": provider.discovery, "/keys": provider.keys}
                self.say(here[urlsplit(self.path).path]())

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                said = provider.token(form, self.headers.get("Authorization", ""))
                self.say(said or {"error": "invalid_grant"}, 200 if said else 400)

            def say(self, body: dict[str, Any], status: int = 200) -> None:
                text = json.dumps(body).encode()
                self.send_response(503 if provider.is_down else status)
                self.send_header("Content-Type", "application/json")
                self.end_headers()
                self.wfile.write(text)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def discovery(self) -> dict[str, Any]:
        places = {"authorization_endpoint": "/authorize", "token_endpoint": "/token", "jwks_uri": "/keys"}
        return {"issuer": self.issuer} | {name: self.issuer + path for name, path in places.items()}

    def keys(self) -> dict[str, Any]:
        public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self.key.public_key()))
        return {"keys": [public | {"kid": "one", "use": "sig", "alg": "RS256"}]}

    def authorize(self, address: str) -> dict[str, str]:
        """What its page does when somebody consents: the query with which the browser comes back."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert asked["code_challenge_method"] == "S256"
        self.codes["c-1"] = asked
        return {"code": "c-1", "state": asked["state"]}

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        name, _, secret = base64.b64decode(authorization.removeprefix("Basic ")).decode().partition(":")
        asked = self.codes.pop(form.get("code", ""), None)
        proof = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked is None or (unquote(name), unquote(secret)) != (CLIENT, SECRET) or proof != asked["code_challenge"]:
            return None
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 60, "nonce": asked["nonce"]} | self.claims | self.lies
        key: Any = self.other_key if self.algorithm == "RS256" else SECRET * 5
        return {"id_token": jwt.encode(said, key, self.algorithm, headers={"kid": "one"}), "token_type": "Bearer", "access_token": "x"}

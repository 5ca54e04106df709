"""OpenSSL: digests, key derivation, and TLS of every version, with every kind of key, cipher and curve.

Arguments: PEM files of servers, each with key and certificate: an RSA key first, then one of an elliptic curve.
"""

import _hashlib
import hashlib
import hmac
import ssl
import sys
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # of TLS before 1.2
RSA, ELLIPTIC = sys.argv[1:3]


def handshake(
    certificate: str,
    version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2,
    ciphers: str = "DEFAULT",
    curve: str | None = None,
) -> tuple[str | None, str]:
    """A client and a server agree, and talk: the version and the cipher they agreed on."""
    client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    server.load_cert_chain(certificate)
    for context in (client, server):
        context.minimum_version = context.maximum_version = version
        context.set_ciphers(ciphers)
        context.set_alpn_protocols(["tea"])
        if curve:
            context.set_ecdh_curve(curve)
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    one, other = client.wrap_bio(back, there), server.wrap_bio(there, back, server_side=True)
    done = 0
    for side in [one, other] * 4:
        try:
            side.do_handshake()
            done += 1
        except ssl.SSLWantReadError:
            pass
    assert done >= 2
    other.write(b"tea")
    assert one.read() == b"tea"
    assert one.selected_alpn_protocol() == "tea"
    cipher = one.cipher()
    assert cipher
    return one.version(), cipher[0]


for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    for certificate in (RSA, ELLIPTIC):
        agreed, _ = handshake(certificate, version)
        assert agreed == version.name.replace("_", ".")
# A program that must talk to an old machine lowers the security level.
for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
    assert handshake(RSA, version, "ALL@SECLEVEL=0")[0] == version.name.replace("_", ".")
for cipher in (
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES256-GCM-SHA384", "ECDHE-RSA-CHACHA20-POLY1305",
    "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-CAMELLIA256-SHA384", "ECDHE-ARIA128-GCM-SHA256", "AES256-CCM8",
    "AES128-SHA",
):  # fmt: skip
    assert handshake(RSA, ciphers=f"{cipher}:@SECLEVEL=0")[1] == cipher
assert handshake(ELLIPTIC, ciphers="ECDHE-ECDSA-AES128-CCM")[1] == "ECDHE-ECDSA-AES128-CCM"
for curve in ("prime256v1", "secp384r1", "secp521r1", "brainpoolP256r1", "X25519", "X448"):
    handshake(RSA, curve=curve)

more = {"ripemd160", "sm3", "sha512_256", "blake2b", "blake2s", "sha3_512", "shake_128", "shake_256", "md5", "sha1"}
assert more | {"sha224", "sha256", "sha384", "sha512"} <= _hashlib.openssl_md_meth_names
for name in more:
    length = (4,) if name.startswith("shake_") else ()
    assert hashlib.new(name, b"tea").hexdigest(*length) != hashlib.new(name, b"cake").hexdigest(*length)
assert hmac.digest(b"key", b"tea", "sha256") == hmac.HMAC(b"key", b"tea", hashlib.sha256).digest()
assert len(hashlib.pbkdf2_hmac("sha512", b"word", b"salt", 1000)) == 64
assert len(hashlib.scrypt(b"word", salt=b"salt", n=1024, r=8, p=1)) == 64
assert ssl.HAS_ALPN
assert ssl.HAS_SNI
assert getattr(ssl, "HAS_PSK", True)  # since 3.13

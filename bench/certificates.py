"""Certificates for a platform of a bench: real ones serve their keys by TLS, part of what fetching costs."""

from __future__ import annotations

import datetime
import ipaddress
from pathlib import Path
from typing import Final

import certifi
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

_LIFETIME: Final = datetime.timedelta(days=1)
_NAME: Final = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "only for benches")])


def make(folder: Path) -> tuple[str, Path]:
    """Make a certificate for 127.0.0.1.

    Args:
        folder: where the authorities are written.

    Returns:
        Certificate and private key as PEM, and the file of the authorities to trust: those that every machine trusts,
        with the new one behind them, so that reading them costs what it costs everywhere.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(minutes=5)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(_NAME)
        .issuer_name(_NAME)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    own = certificate.public_bytes(Encoding.PEM).decode("ascii")
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    authorities = folder / "authorities.pem"
    authorities.write_text(Path(certifi.where()).read_text(encoding="utf-8") + own, encoding="utf-8")
    return own + private, authorities

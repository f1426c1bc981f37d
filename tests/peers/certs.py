"""A private CA and what it signs, made with openssl."""
import subprocess
from pathlib import Path


def openssl(*args):
    subprocess.run(["openssl", *map(str, args)], check=True, capture_output=True, timeout=30)


class Authority:
    """A CA of our own in FOLDER; issue() gives (cert, key) paths."""

    def __init__(self, folder, name="test-ca"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.cert, self.key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-days", "2", "-subj", f"/CN={name}", "-keyout", self.key,
                "-out", self.cert, "-addext", "basicConstraints=critical,CA:TRUE",
                "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, name, hosts=("IP:127.0.0.1", "DNS:localhost"), client=False, days=2,
              subject=None):
        cert, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request, extras = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        usage = "clientAuth" if client else "serverAuth"
        extras.write_text(f"subjectAltName={','.join(hosts)}\nextendedKeyUsage={usage}\n"
                          "basicConstraints=CA:FALSE\n")
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-nodes", "-subj", f"/CN={subject or name}", "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.cert, "-CAkey", self.key,
                "-CAcreateserial", "-days", days, "-extfile", extras, "-out", cert)
        return cert, key


def signing_pair(folder):
    """A self-signed RSA certificate and its key, for signing registry tokens."""
    folder = Path(folder)
    cert, key = folder / "token.crt", folder / "token.key"
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=issuer",
            "-keyout", key, "-out", cert)
    return cert, key

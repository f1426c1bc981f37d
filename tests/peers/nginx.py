"""A real nginx with TLS and HTTP/2 in front of a registry, on a free loopback port."""
import signal
import socket
import subprocess
import time
from pathlib import Path

CONF = """
daemon off;
master_process off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/error.log warn;
events {{ worker_connections 64; }}
http {{
    log_format seen '$server_protocol $request_method $status $request_uri';
    access_log {folder}/access.log seen;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_max_body_size 0;
    keepalive_requests {requests};
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {cert};
        ssl_certificate_key {key};
        location / {{
            proxy_pass {upstream};
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-Proto {proto};
        }}
    }}
}}
"""


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Nginx:
    """requests: after how many an HTTP/2 connection ends with GOAWAY.  proto: what the registry is
    told; "http" makes it write Locations that say http although the client came over TLS."""

    def __init__(self, folder, upstream, pair, requests=1000, proto="https"):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        (self.folder / "conf").write_text(CONF.format(
            folder=self.folder, port=self.port, upstream=upstream, cert=pair[0], key=pair[1],
            requests=requests, proto=proto))
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(["/usr/sbin/nginx", "-p", self.folder, "-c",
                                         self.folder / "conf"],
                                        stderr=open(self.folder / "stderr", "w"))
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                time.sleep(0.05)
        self.__exit__()
        raise RuntimeError((self.folder / "stderr").read_text())

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(10)

    def seen(self):
        """(protocol, method, status, uri) of every request, in the order of their ends."""
        lines = (self.folder / "access.log").read_text().splitlines()
        return [line.split(" ", 3) for line in lines]

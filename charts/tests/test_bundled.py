"""The bundled Redis as its pod runs it: with the chart's arguments and the Secret that the operator draws."""

import base64
import secrets
import subprocess
import time
from pathlib import Path

import pytest
import redis
from chart import VALUES, one, render

from rotunda_operator.specs.generated_secrets import drawn_secret
from rotunda_operator.testing.ports import free_port

PATIENCE_SECONDS = 60.0


def client(host: str, port: int, password: str | None) -> "redis.Redis":
    return redis.Redis(host=host, port=port, password=password)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_redis_asks_for_the_drawn_password_on_both_families(host: str, tmp_path: Path) -> None:
    secret = drawn_secret("meet", "redis", secrets.token_urlsafe)
    values = {key: base64.b64decode(value).decode() for key, value in secret["data"].items()}
    config = tmp_path / "redis.conf"
    config.write_text(values["redis.conf"])
    pod = one(render("--values", str(VALUES / "least.yaml")), "Deployment", "rotunda-redis")
    told = pod["spec"]["template"]["spec"]["containers"][0]["args"]
    assert told[0] == "/etc/redis/redis.conf"
    place = {"/tmp": str(tmp_path)}
    port = free_port()
    arguments = [str(config), *(place.get(each, each) for each in told[1:]), "--port", str(port)]
    with subprocess.Popen(["redis-server", *arguments], stdout=subprocess.PIPE) as process:
        try:
            until_it_answers(process, host, port, values["password"])
            with pytest.raises(redis.AuthenticationError):
                client(host, port, None).ping()
            found = client(host, port, values["password"]).config_get("*")
            wanted = {"maxmemory-policy": "volatile-ttl", "save": "", "appendonly": "no"}
            assert {name: found[name] for name in wanted} == wanted
        finally:
            process.terminate()


def until_it_answers(process: "subprocess.Popen[bytes]", host: str, port: int, password: str) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            client(host, port, password).ping()
            return
        except redis.ConnectionError:
            assert process.poll() is None, "it ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)

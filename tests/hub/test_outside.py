"""The outside door's settings and certificate: one sentence for what is wrong, a renewed one is taken over."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import trustme

from hub.check import check
from hub.outside import Outside
from hub.settings import BadSettings, OutsideSettings, Settings, load

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CA = trustme.CA()


def issue(folder: Path, days: float = 90, name: str = "door") -> dict[str, Path]:
    """A certificate for 127.0.0.1 and its key, as settings."""
    issued = CA.issue_cert("127.0.0.1", not_after=NOW + timedelta(days=days))
    files = {"tls_cert": folder / f"{name}.pem", "tls_key": folder / f"{name}.key"}
    files["tls_cert"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    issued.private_key_pem.write_to_path(files["tls_key"])
    return files


def door(**said: Any) -> Outside:
    return Outside(OutsideSettings.model_validate({"host": "127.0.0.1"} | said), NOW.timestamp)


def test_off_by_default() -> None:
    assert not Outside(OutsideSettings()).on
    assert not Outside(OutsideSettings(tls_cert=None, behind_proxy="127.0.0.1")).view().on


def test_on_with_a_certificate_or_behind_a_proxy(tmp_path: Path) -> None:
    tls = door(**issue(tmp_path))
    assert (tls.view().tls, tls.view().days_left) == (True, 90)
    proxied = door(behind_proxy="127.0.0.1, 10.0.0.0/8,::1")
    assert proxied.proxies == ("127.0.0.1", "10.0.0.0/8", "::1")
    assert (proxied.view().tls, proxied.view().days_left, list(proxied.troubles())) == (False, None, [])


def test_a_certificate_that_is_over_stops_no_hub(tmp_path: Path) -> None:
    made = door(**issue(tmp_path, -1, "old"))
    assert (made.view().days_left, list(made.troubles())) == (-1, ["certificate_ending"])


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path) -> None:
    good, other = issue(tmp_path), issue(tmp_path, name="other")
    locked = tmp_path / "locked.key"
    locked.write_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n")
    for said, sentence in (
        ({}, "neither outside.tls_cert and outside.tls_key nor outside.behind_proxy"),
        ({"tls_cert": good["tls_cert"]}, "belong together"),
        ({"tls_key": good["tls_key"], "behind_proxy": "127.0.0.1"}, "belong together"),
        (good | {"tls_cert": tmp_path / "none"}, "outside.tls_cert: cannot read"),
        (good | {"tls_key": tmp_path / "none"}, "outside.tls_key: cannot read"),
        (good | {"tls_cert": good["tls_key"]}, "holds no certificate"),
        (good | {"tls_key": other["tls_key"]}, "does not fit the certificate"),
        (good | {"tls_key": good["tls_cert"]}, "cannot be used as a key"),
        (good | {"tls_key": locked}, "cannot be used as a key"),
        ({"behind_proxy": "1.2.3"}, "outside.behind_proxy: 1.2.3 is no address"),
    ):
        with pytest.raises(BadSettings) as e:
            door(**said)
        assert sentence in str(e.value), said
        assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('host = "a b"', "outside.host"), ('url = "hub.xa.vn"', "outside.url"), ('behind_proxy = "*"', "outside.b"),
        ('url = "https://hub.xa.vn/x"', "outside.url"), ('hots = ""', "outside.hots; the nearest is outside.host"),
    ],
)  # fmt: skip
def test_a_setting_that_is_none(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "hub.toml").write_text(f"[outside]\n{text}\n")
    with pytest.raises(BadSettings, match=key):
        load(tmp_path / "hub.toml")


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({"url": "https://hub.xa.vn/"}, "https://hub.xa.vn"),
        ({"host": "10.0.0.2"}, "https://10.0.0.2:8443"),
        ({"host": "::1", "port": 1}, "https://[::1]:1"),
        ({"host": "127.0.0.1", "behind_proxy": "127.0.0.1"}, "http://127.0.0.1:8443"),
        ({"host": "127.0.0.1", "behind_proxy": "127.0.0.1", "tls_cert": "x"}, "https://127.0.0.1:8443"),
    ],
)
def test_what_links_begin_with(said: dict[str, Any], address: str) -> None:
    assert OutsideSettings.model_validate(said).address == address


def test_a_certificate_that_ends_soon_is_a_fault(tmp_path: Path) -> None:
    for days, codes in ((14.5, []), (13.5, ["certificate_ending"]), (0.1, ["certificate_ending"])):
        assert list(door(**issue(tmp_path, days)).troubles()) == codes


def test_a_renewed_certificate_is_taken_over_and_a_bad_one_is_not(tmp_path: Path) -> None:
    files = issue(tmp_path, 10)
    made = door(**files)
    made.look()
    assert made.days_left() == 10
    files["tls_cert"].write_text("half written")
    made.look()
    assert made.days_left() == 10
    assert list(made.troubles()) == ["certificate_ending"]
    issue(tmp_path, 80)
    made.look()
    assert (made.days_left(), list(made.troubles())) == (80, [])
    issue(tmp_path, -1)
    made.look()
    assert made.days_left() == 80


def told(folder: Path, **said: Any) -> tuple[bool | None, str]:
    settings = Settings(data_dir=folder, outside=OutsideSettings.model_validate(said))
    return next((f.ok, f.text) for f in check(settings) if f.what == "outside door")


def test_check_tells_the_same(tmp_path: Path) -> None:
    assert told(tmp_path) == (True, "shut; outside.host opens it")
    ok, text = told(tmp_path, host="127.0.0.1")
    assert (ok, "links would be read on the way" in text) == (False, True)
    assert told(tmp_path, host="127.0.0.1", behind_proxy="127.0.0.1")[0] is True
    issued = CA.issue_cert("127.0.0.1", not_after=datetime.now(UTC) + timedelta(days=3.5))
    cert = tmp_path / "both.pem"
    issued.private_key_and_cert_chain_pem.write_to_path(cert)
    ok, text = told(tmp_path, host="127.0.0.1", tls_cert=cert, tls_key=cert)
    assert (ok, text.endswith("the certificate is good for 3 days")) == (False, True)

"""Settings: file under environment, secrets in files, one clear sentence for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hub.settings import BadSettings, load


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VILLAGE_HUB_SETTINGS", raising=False)


@pytest.fixture
def toml(tmp_path: Path) -> Path:
    return tmp_path / "hub.toml"


def test_an_empty_file_is_a_good_one(toml: Path) -> None:
    toml.write_text("")
    assert load(toml) == load(None)
    assert load(None).web.host == "127.0.0.1"


def test_the_file_is_read_and_the_environment_wins(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text('data_dir = "/srv/a"\n[broker]\nport = 1999\nusername = "x"\n[clock]\nrate = 2\n')
    monkeypatch.setenv("VILLAGE_HUB_BROKER__PORT", "2000")
    monkeypatch.setenv("VILLAGE_HUB_CLOCK__SHIFT_S", "-60")
    found = load(toml)
    assert (found.data_dir, found.broker.port, found.broker.username) == (Path("/srv/a"), 2000, "x")
    assert (found.clock.rate, found.clock.shift_s) == (2, -60)


def test_lists_from_file_and_environment(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text('[rules]\nfiles = ["a.yaml", "b.yaml"]\n[web]\nhosts = ["hub.example"]\n')
    assert load(toml).rules.files == (Path("a.yaml"), Path("b.yaml"))
    monkeypatch.setenv("VILLAGE_HUB_RULES__FILES", json.dumps(["c.yaml"]))
    assert load(toml).rules.files == (Path("c.yaml"),)
    assert load(toml).web.hosts == ("hub.example",)


# --- secrets --------------------------------------------------------------------------------------------------


def test_a_secret_in_a_file(toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("s3cret\n")
    monkeypatch.setenv("VILLAGE_HUB_BROKER__PASSWORD_FILE", str(secret))
    assert load(None).broker.secret() == "s3cret"
    monkeypatch.delenv("VILLAGE_HUB_BROKER__PASSWORD_FILE")
    toml.write_text(f'[broker]\npassword_file = "{secret}"\n')
    assert load(toml).broker.secret() == "s3cret"


def test_a_secret_in_the_settings_is_never_printed(toml: Path) -> None:
    toml.write_text('[broker]\npassword = "s3cret"\n')
    found = load(toml)
    assert found.broker.secret() == "s3cret"
    assert "s3cret" not in repr(found)
    assert "s3cret" not in str(found)


def test_a_secret_file_that_is_not_there(toml: Path, tmp_path: Path) -> None:
    toml.write_text(f'[broker]\npassword_file = "{tmp_path}/none"\n')
    with pytest.raises(BadSettings, match=r"broker\.password_file: cannot read .*none: No such file"):
        load(toml).broker.secret()


# --- what is wrong --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("[brocker]\nport = 1", "unknown key brocker; the nearest is broker"),
        ("[broker]\nprot = 1", "unknown key broker.prot; the nearest is"),
        ("datadir = 1", "unknown key datadir; the nearest is data_dir"),
        ("[web]\nport = 70000", "web.port"),
        ('[web]\nhost = "0.0.0.0"', "web.host: this machine only"),
        ("[broker]\nport = 'x'", "broker.port"),
        ("broker = 3", "broker"),
        ("[clock]\nrate = 0", "clock.rate"),
        ("[clock]\nshift_s = 1e12", "clock.shift_s"),
        ("[clock]\nshift_s = nan", "clock.shift_s"),
        ("[journal]\nkeep_h = nan", "journal.keep_h"),
        ('log_level = "LOUD"', "log_level: DEBUG, INFO, WARNING or ERROR"),
        ("[broker", "is not TOML"),
        ("a = 1\na = 2", "is not TOML"),
    ],
)
def test_one_sentence_names_the_key(toml: Path, text: str, sentence: str) -> None:
    toml.write_text(text)
    with pytest.raises(BadSettings) as e:
        load(toml)
    assert sentence in str(e.value)
    assert "\n" not in str(e.value).strip() or "TOML" in str(e.value)


@pytest.mark.parametrize(
    ("variable", "value", "sentence"),
    [
        (
            "VILLAGE_HUB_BROKER__PROT",
            "1",
            "VILLAGE_HUB_BROKER__PROT: unknown key broker.prot; the nearest is",
        ),
        ("VILLAGE_HUB_BROKR__PORT", "1", "the nearest is broker"),
        ("VILLAGE_HUB_PORT", "1", "unknown key port"),
        ("VILLAGE_HUB_BROKER__PORT", "x", "broker.port"),
        ("VILLAGE_HUB_BROKER__PORT__X", "1", "broker.port"),
        ("VILLAGE_HUB_RULES__FILES", "a.yaml", "rules"),
        ("VILLAGE_HUB_BROKER", "x", "broker"),
        ("VILLAGE_HUB_BROKER", '{"prot": 1}', "broker.prot"),
    ],
)
def test_the_environment_is_held_to_the_same(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(BadSettings) as e:
        load(None)
    assert sentence in str(e.value)


def test_a_file_that_is_not_there_or_not_text(toml: Path) -> None:
    with pytest.raises(BadSettings, match="cannot read the settings file"):
        load(toml)
    toml.write_bytes(b"\xff\xfe")
    with pytest.raises(BadSettings, match="is not TOML"):
        load(toml)
    with pytest.raises(BadSettings, match="cannot read"):
        load(toml.parent)

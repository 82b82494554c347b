"""Settings: one tree, from TOML and environment. An unknown key is an error that names its nearest neighbour.

Environment: `VILLAGE_HUB_` + the path with `__` between levels (`VILLAGE_HUB_BROKER__PORT=1884`). A secret may
stand in a file: `broker.password_file`, `VILLAGE_HUB_BROKER__PASSWORD_FILE`.
"""

from __future__ import annotations

import difflib
import os
import socket
import tomllib
from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import BaseModel, ConfigDict, Field, IPvAnyNetwork, SecretStr, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from devices.device import Kind

PREFIX = "VILLAGE_HUB_"
_OWN = {"VILLAGE_HUB_FAILPOINT", "VILLAGE_HUB_SETTINGS", "VILLAGE_HUB_WHO"}


class BadSettings(ValueError):  # noqa: N818 - what the settings are
    """Settings that cannot be used; the text says which key and what is allowed."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


def read_secret(key: str, file: Path | None, given: SecretStr) -> str:
    """A secret from the file that setting `key` names, else as given. Raises BadSettings."""
    if file is None:
        return given.get_secret_value()
    try:
        return file.read_text().strip()
    except UnicodeDecodeError as e:
        raise BadSettings(f"{key}: {file} is not text") from e
    except OSError as e:
        raise BadSettings(f"{key}: cannot read {file}: {e.strerror or e}") from e


class WebSettings(_Section):
    """The pages' server. Only loopback addresses are allowed until there are accounts."""

    host: str = Field(
        default="127.0.0.1",
        pattern=r"^(127(\.\d{1,3}){3}|localhost|::1)$",
        description="this machine only (127.0.0.1, ::1 or localhost) until there are accounts; "
        "from elsewhere by ssh -L, or by links (outside.host)",
    )
    port: int = Field(default=8000, ge=0, le=65535)
    hosts: tuple[str, ...] = Field(
        default=(), description="further Host names under which a proxy serves the pages"
    )
    tiles: str = Field(
        default="",
        pattern=r"^(https?://[a-zA-Z0-9.:-]+/\S*\{z\}\S*)?$",
        description="address of map tiles with {z}, {x}, {y}; without one the map needs no internet",
    )


class OutsideSettings(_Section):
    """The outside door: only addresses that carry a link, over TLS or behind a named proxy. Off without `host`."""

    host: str = Field(default="", pattern=r"^[^\s/\[\]]*$", description="address to listen on; empty: off")
    port: int = Field(default=8443, ge=0, le=65535)
    tls_cert: Path | None = Field(default=None, description="certificate chain (PEM)")
    tls_key: Path | None = Field(default=None, description="its key (PEM)")
    behind_proxy: str = Field(
        default="",
        pattern=r"^[0-9a-fA-F.:/, ]*$",
        description="addresses of the proxy, with commas between: who came is believed from there",
    )
    url: str = Field(
        default="",
        pattern=r"^(https?://[a-zA-Z0-9.:\[\]-]+/?)?$",
        description="address by which people reach this door; links begin with it",
    )

    @property
    def address(self) -> str:
        """What links begin with, without a slash at the end."""
        if self.url:
            return self.url.rstrip("/")
        host = socket.gethostname() if self.host in ("", "0.0.0.0", "::") else self.host  # noqa: S104 - compared
        scheme = "http" if self.behind_proxy and self.tls_cert is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"


class BrokerSettings(_Section):
    """The MQTT broker, and the files by which it knows its users."""

    host: str = "127.0.0.1"
    port: int = Field(default=1883, ge=1, le=65535)
    username: str = "hub"
    password: SecretStr = SecretStr("")
    password_file: Path | None = None
    cafile: Path | None = None
    keepalive_s: int = Field(default=30, ge=5, le=600)
    access_dir: Path | None = Field(
        default=None, description="where `passwords` and `acl` are written for mosquitto"
    )
    pid_file: Path | None = Field(
        default=None, description="mosquitto's pid file: it is told to read them anew"
    )

    def secret(self) -> str:
        """The password, from the file where one is named. Raises BadSettings."""
        return read_secret("broker.password_file", self.password_file, self.password)


class JournalSettings(_Section):
    """How long messages are kept as they came."""

    keep_h: float = Field(default=30, ge=1, le=24 * 366)
    max_gb: float = Field(default=20, ge=0.01, le=10000)


class HistorySettings(_Section):
    """How long the packed past is kept, in days: readings, then what they come to a day."""

    keep_days: int = Field(default=92, ge=2, le=36600)
    keep_days_of: dict[Kind, Annotated[int, Field(ge=2, le=36600)]] = Field(
        default={}, description="of single kinds"
    )
    rollup_days: int = Field(default=1830, ge=31, le=36600)


class NoticesSettings(_Section):
    """How long it is kept what boards did with a notice."""

    keep_days: int = Field(default=1830, ge=31, le=36600)


CENTURY_S = 3.2e9


class ClockSettings(_Section):
    """Simulated time, for demonstration and training: shifted, and faster. Pages say so."""

    shift_s: float = Field(default=0.0, ge=-CENTURY_S, le=CENTURY_S)
    rate: float = Field(default=1.0, gt=0, le=1000)
    since: float = Field(default=0.0, ge=0, le=1e10)


class RulesSettings(_Section):
    """Rule files of one's own, beside the built-in ones."""

    files: tuple[Path, ...] = ()
    builtin: bool = True


class SecretsSettings(_Section):
    """The key of what is secret in the database."""

    key_file: Path | None = Field(default=None, description="default: secret.key in the data folder")


class PollSettings(_Section):
    """How cameras are asked."""

    village_kbit_s: float = Field(default=256, ge=8, le=1e6, description="of a village's uplink, at most")
    picture_s: float = Field(default=600, ge=10, le=86400, description="seconds between pictures of a camera")
    plain_passwords: bool = Field(
        default=False, description="cameras that want it get their password unencrypted"
    )
    search_from: IPv4Address | None = Field(default=None, description="address of ours to search from")
    networks: tuple[IPvAnyNetwork, ...] = Field(
        default=(), description="where cameras may send one to, beside their own address"
    )


class InfluxSettings(_Section):
    """An InfluxDB that gets every reading; off without `url`."""

    url: str = Field(
        default="",
        pattern=r"^(https?://[^/@\s]+(/\S*)?)?$",
        description="http:// or https:// and a host, without a login",
    )
    token: SecretStr = SecretStr("")
    token_file: Path | None = None
    org: str = Field(default="village", min_length=1)
    bucket: str = Field(
        default="village-hub",
        pattern=r"^[^\s\"'/]+$",
        description="a name without spaces, quotes and slashes",
    )
    read: bool = Field(default=False, description="charts are answered from it")

    def secret(self) -> str:
        """The token, from the file where one is named. Raises BadSettings."""
        return read_secret("influxdb.token_file", self.token_file, self.token)


class Settings(BaseSettings):
    """Everything that can be set."""

    model_config = SettingsConfigDict(
        extra="forbid",
        frozen=True,
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    data_dir: Path = Path("var")
    log_level: str = Field(
        default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="DEBUG, INFO, WARNING or ERROR"
    )
    web: WebSettings = WebSettings()
    outside: OutsideSettings = OutsideSettings()
    broker: BrokerSettings = BrokerSettings()
    journal: JournalSettings = JournalSettings()
    history: HistorySettings = HistorySettings()
    notices: NoticesSettings = NoticesSettings()
    clock: ClockSettings = ClockSettings()
    rules: RulesSettings = RulesSettings()
    secrets: SecretsSettings = SecretsSettings()
    poll: PollSettings = PollSettings()
    influxdb: InfluxSettings = InfluxSettings()

    @property
    def key_file(self) -> Path:
        """The file that holds the key of the stored secrets."""
        return self.secrets.key_file or self.data_dir / "secret.key"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment over file."""
        del settings_cls, dotenv_settings, file_secret_settings
        return env_settings, init_settings


def _known(model: type[BaseModel]) -> dict[str, Any]:
    return {name: f.annotation for name, f in model.model_fields.items()}


def _section(annotation: Any) -> type[BaseModel] | None:
    for a in (annotation, *get_args(annotation)):
        if isinstance(a, type) and issubclass(a, BaseModel):
            return a
    return None


def _unknown(found: dict[str, Any], model: type[BaseModel], path: str, source: str) -> None:
    known = _known(model)
    for key, value in found.items():
        name = f"{path}.{key}" if path else key
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0.0)[0]
            nearest = f"{path}.{near}" if path else near
            raise BadSettings(f"{source}: unknown key {name}; the nearest is {nearest}")
        section = _section(known[key])
        if section is not None and isinstance(value, dict):
            _unknown(value, section, name, source)


def _check_environment() -> None:
    """pydantic-settings passes over unknown variables with our prefix; we do not."""
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable not in _OWN:
            tree: dict[str, Any] = {}
            parts = variable[len(PREFIX) :].lower().split("__")
            at = tree
            for part in parts[:-1]:
                at = at.setdefault(part, {})
            at[parts[-1]] = ""
            _unknown(tree, Settings, "", f"environment variable {variable}")


def _meant(key: tuple[int | str, ...]) -> str:
    """What a setting is, where its pattern would tell nobody."""
    model: type[BaseModel] = Settings
    found = None
    for name in key:
        found = model.model_fields.get(str(name))
        if found is None:
            return ""
        model = found.annotation if isinstance(found.annotation, type) else BaseModel
    return found.description or "" if found is not None else ""


def load(path: Path | None) -> Settings:
    """The settings. Raises BadSettings with one sentence."""
    found: dict[str, Any] = {}
    if path is not None:
        try:
            found = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as e:
            raise BadSettings(f"cannot read the settings file {path}: {e.strerror or e}") from e
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as e:
            raise BadSettings(f"{path} is not TOML: {e}") from e
        _unknown(found, Settings, "", str(path))
    _check_environment()
    try:
        return Settings(**found)
    except SettingsError as e:
        raise BadSettings(f"environment: {e}") from e
    except ValidationError as e:
        told = [
            f"{'.'.join(map(str, x['loc']))}: "
            + ((_meant(x["loc"]) if x["type"] == "string_pattern_mismatch" else "") or x["msg"])
            for x in e.errors(include_url=False, include_input=False)
        ]
        raise BadSettings(f"{path or 'settings'}: " + "; ".join(told[:5])) from e

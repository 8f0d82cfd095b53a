"""Reads the settings from a file and the environment, and says what is wrong with them in words that help."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from bot.errors import FerryError
from bot.settings.policy import ApprovalSettings, HoursSettings, PolicySettings, RuleSettings
from bot.settings.sections import (
    EvacuationSettings,
    HostSettings,
    LogSettings,
    OperationSettings,
    Settings,
    SlackSettings,
)


class _FromOutside(BaseSettings, Settings):
    """The settings as the file and the environment give them."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="FERRY_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The environment wins over the file, which `load` hands in as initial values."""
        return _WellKnownNames(settings_cls), env_settings, init_settings


class _WellKnownNames(PydanticBaseSettingsSource):
    """The names that hosting platforms and Slack's own tools use for these settings."""

    NAMES: ClassVar[dict[str, tuple[str, str]]] = {
        "SLACK_BOT_TOKEN": ("slack", "bot_token"),
        "SLACK_APP_TOKEN": ("slack", "app_token"),
        "SLACK_SIGNING_SECRET": ("slack", "signing_secret"),
        "SLACK_API_URL": ("slack", "api_url"),
        "DATABASE_URL": ("operations", "database_url"),
    }

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        found: dict[str, dict[str, str]] = {}
        for name, (section, key) in self.NAMES.items():
            if value := os.environ.get(name):
                found.setdefault(section, {})[key] = value
        return dict(found)


class SettingsError(FerryError):
    """A setting is missing or wrong. The text names its place and shows how it is written."""


def load(path: Path | None = None) -> Settings:
    """Read the settings file and the environment.

    Args:
        path: the file; without it FERRY_CONFIG, else `ferry.toml` in the working directory if there is one.

    Raises:
        SettingsError: with the place of every wrong setting and an example.
    """
    named = path or (Path(os.environ["FERRY_CONFIG"]) if os.environ.get("FERRY_CONFIG") else None)
    file = named or Path("ferry.toml")
    content: dict[str, Any] = {}
    if named or file.exists():
        try:
            content = tomllib.loads(file.read_text(encoding="utf-8-sig"))
        except OSError as error:
            raise SettingsError(
                f"could not read the settings file {file}: {error.strerror}",
                hint="`ferry lab --hosts-only` prints a complete example",
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(
                f"{file} is not valid TOML: {error}",
                hint=r"write Windows paths and accounts in single quotes, like username = 'CONTOSO\ferry'",
            ) from error
    try:
        return _FromOutside(**content)
    except ValidationError as error:
        raise SettingsError(explain(error, str(file), content)) from None
    except SourceError as error:
        raise SettingsError(f"the environment could not be read: {error}") from None


def explain(error: ValidationError, file: str, content: Mapping[str, Any] = MappingProxyType({})) -> str:
    """One paragraph per wrong setting: where it stands, what is wrong, how it is written. Never shows a secret.

    Args:
        content: what the file holds; tells whether a host's setting is its own or that of all.
    """
    lines = []
    for problem in error.errors(include_input=False, include_url=False):
        inside = tuple(str(part) for part in problem["loc"])
        place = _written_at(inside, content)
        where = ".".join(place) or "the settings"
        variable = "FERRY_" + "__".join(place).upper()
        source = f"environment variable {variable}" if variable in os.environ else file
        if problem["type"] == "extra_forbidden":
            known = list(_section_at(inside[:-1]).model_fields)
            near = difflib.get_close_matches(place[-1], known, n=1)
            what = (
                f"there is no such setting; {f'did you mean {near[0]}?' if near else 'known are ' + ', '.join(known)}"
            )
        else:
            what = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{where} ({source}): {what}{_example(inside)}")
    return "\n".join(dict.fromkeys(lines))


def _written_at(place: tuple[str, ...], content: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a person finds it: what a host has from `[remote]` was not written in the host's own table."""
    if (
        len(place) < 3
        or place[0] not in ("hosts", "clusters")
        or place[2] == "[key]"
        or "FERRY_" + "__".join(place).upper() in os.environ
    ):
        return place
    tables = content.get(place[0])
    own = [table for name, table in tables.items() if name.lower() == place[1]] if isinstance(tables, dict) else []
    return place if any(place[2] in table for table in own) else ("remote", *place[2:])


def _section_at(place: tuple[str, ...]) -> type[BaseModel]:
    """The model that holds the settings at a place; a host's own name is a step of the place."""
    sections: dict[str, type[BaseModel]] = {
        "slack": SlackSettings,
        "operations": OperationSettings,
        "evacuation": EvacuationSettings,
        "policy": PolicySettings,
        "rules": RuleSettings,
        "approvals": ApprovalSettings,
        "hours": HoursSettings,
        "log": LogSettings,
        "hosts": HostSettings,
        "clusters": HostSettings,
    }
    return sections.get(place[0], Settings) if place else Settings


def _example(place: tuple[str, ...]) -> str:
    section = _section_at(place[:-1])
    field = section.model_fields.get(place[-1]) if place else None
    if field is None or not field.description:
        return ""
    sample = field.examples[0] if field.examples else field.get_default()
    shown = (
        f"; for example {place[-1]} = {_toml(sample)}" if isinstance(sample, str | int | float) and sample != "" else ""
    )
    return f"\n    {place[-1]}: {field.description}{shown}"


def _toml(value: str | float) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'" if isinstance(value, str) else str(value)

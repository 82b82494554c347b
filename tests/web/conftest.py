"""A small district on its evening, and a client that comes through the doors as a browser does."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from hub.web import create_app
from tests.web.evening import troubled
from tests.web.fake_core import FakeCore

if TYPE_CHECKING:
    from collections.abc import Iterator

    from fastapi import FastAPI

BASE = "http://127.0.0.1:8080"


@pytest.fixture
def core() -> FakeCore:
    return troubled(FakeCore(villages=5))


@pytest.fixture
def app(core: FakeCore) -> FastAPI:
    return create_app(core)


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=BASE, headers={"origin": BASE}, raise_server_exceptions=False) as made:
        made.cookies.set("who", "Lan")
        yield made

# SPDX-License-Identifier: Apache-2.0
"""A small bundle, a service over it, and the app in process; what is kept lies in each database in turn."""

import itertools

import pytest
import sqlalchemy as sa

import films
import postgres
from inprocess import Client
from penchant.bundle.bundle import open_bundle
from penchant.schema import IdType
from penchant.serve.database import connect
from penchant.serve.eventlog import EventLog
from penchant.serve.http import create_app
from penchant.serve.service import Service

NOW = 1_800_000_000
"""The clock of these tests, in seconds since 1970."""


@pytest.fixture(scope="session")
def bundle_folder(tmp_path_factory):
    return films.write(tmp_path_factory.mktemp("bundles"), films.dataset())


@pytest.fixture(scope="session")
def text_bundle(tmp_path_factory):
    """The same catalogue with ids that are text: slashes, blanks and Chinese in them."""
    return films.write(tmp_path_factory.mktemp("bundles"), films.dataset(ids=IdType.STRING))


_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def server():
    """A PostgreSQL server for all tests that want one."""
    if postgres.programs() is None:
        pytest.skip(postgres.INSTALL)
    server = postgres.Server().start()
    yield server
    server.remove()


BOTH = ("sqlite", "postgresql")
"""A module of tests that are about what is kept says `DATABASES = BOTH`: each of them then runs with either."""


def pytest_generate_tests(metafunc):
    if "url" in metafunc.fixturenames:
        metafunc.parametrize("url", getattr(metafunc.module, "DATABASES", BOTH[:1]), indirect=True)


@pytest.fixture
def url(request, tmp_path):
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'events.db'}"
        return
    server, schema = request.getfixturevalue("server"), f"test{next(_NUMBERS)}"
    engine = connect(server.url(schema))
    with engine.begin() as connection:
        connection.execute(sa.text(f"CREATE SCHEMA {schema}"))
    yield server.url(schema)
    with engine.begin() as connection:
        connection.execute(sa.text(f"DROP SCHEMA {schema} CASCADE"))
    engine.dispose()


@pytest.fixture
def log(url):
    log = EventLog(url)
    yield log
    log.close()


@pytest.fixture
def service(bundle_folder, log):
    return Service(open_bundle(bundle_folder), log, now=lambda: NOW * 10**9)


@pytest.fixture
def text_service(text_bundle, log):
    return Service(open_bundle(text_bundle), log, now=lambda: NOW * 10**9)


@pytest.fixture
def client(service):
    with Client(create_app(service)) as client:
        yield client


@pytest.fixture
def text_client(text_service):
    with Client(create_app(text_service)) as client:
        yield client

# SPDX-License-Identifier: Apache-2.0
"""A small bundle, a service over it, and the app in process."""

import pytest

import films
from inprocess import Client
from penchant.bundle.bundle import open_bundle
from penchant.schema import IdType
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


@pytest.fixture
def log(tmp_path):
    log = EventLog(f"sqlite:///{tmp_path / 'events.db'}")
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

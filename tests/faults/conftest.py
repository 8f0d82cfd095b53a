"""The durable shell's fixtures serve here too: a store in a file, two of the lab's hosts, and runners for one move."""

from tests.operations.conftest import (  # noqa: F401 - fixtures, found by name
    backend,
    bench,
    clock,
    database_url,
    lab,
    migrated,
    serving_hosts,
    sqlite_url,
    store,
)

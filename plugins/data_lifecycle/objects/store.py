"""boto3 clients for one identity of the object store."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address
from threading import Lock
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from data_lifecycle.connections import StoreAccess

CONNECT_TIMEOUT = 5.0
"""Seconds to wait for a connection."""
READ_TIMEOUT = 30.0
"""Seconds to wait for an answer."""

_creating = Lock()


def is_loopback(endpoint_url: str | None) -> bool:
    """Say whether the endpoint is this machine, which no proxy may stand in front of."""
    host = urlsplit(endpoint_url or "").hostname or ""
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def client(
    access: StoreAccess,
    *,
    pool: int = 10,
    attempts: int = 4,
    connect_timeout: float = CONNECT_TIMEOUT,
    read_timeout: float = READ_TIMEOUT,
) -> Any:
    """Return a boto3 S3 client for `access`: path addressing, `pool` connections, `attempts` tries in all.

    Checksums are sent where S3 requires them (among others for DeleteObjects), which every S3 compatible store
    accepts. The client may be shared between threads; its creation costs about 0.1 s.
    """
    from botocore.config import Config

    config = Config(
        s3={"addressing_style": "path"},
        max_pool_connections=pool,
        connect_timeout=connect_timeout,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": attempts},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        proxies={} if is_loopback(access.endpoint_url) else None,
    )
    with _creating:  # clients may be shared between threads, sessions may not
        return _session().create_client(
            "s3",
            region_name=access.region,
            endpoint_url=access.endpoint_url,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            config=config,
        )


@lru_cache(maxsize=1)
def _session() -> Any:
    """One botocore session: it caches the parsed service model, which is most of a client's cost."""
    import botocore.session

    return botocore.session.get_session()

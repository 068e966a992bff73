"""A collection that is served elsewhere, under the same verbs as one that is here."""

from nearkin.client.async_client import AsyncClient, connect_async
from nearkin.client.client import Client, connect
from nearkin.client.found import Found

__all__ = ["AsyncClient", "Client", "Found", "connect", "connect_async"]

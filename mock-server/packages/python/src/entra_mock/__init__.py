"""Microsoft Entra ID and Microsoft Graph on your laptop, for tests.

Not affiliated with Microsoft; never for production.

In pytest, the fixtures ``entra_tenant`` and ``entra_server`` are there once the package is
installed. Elsewhere::

    with entra_mock.Server.start() as server:
        tenant = server.create_tenant()
        tenant.event("revoke-sessions", user="alice")
"""

from ._control import Control, EntraMockError
from ._journal import AsyncExpectation, Exchange, Expectation, Journal
from ._program import find as find_program
from ._server import Server
from ._tenant import App, AsyncTenant, Clock, Fault, Tenant, Token, User

__all__ = [
    "App", "AsyncExpectation", "AsyncTenant", "Clock", "Control", "EntraMockError", "Exchange", "Expectation",
    "Fault", "Journal", "Server", "Tenant", "Token", "User", "find_program",
]

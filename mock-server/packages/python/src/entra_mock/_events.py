"""What can happen in a tenant. Made by mock-server/packages/make.py from mock-server/docs/openapi.json."""

from __future__ import annotations

from typing import Literal, Sequence, overload


class Events:
    """Events by name, with their fields."""

    @overload
    def event(self, name: Literal["add-certificate"], /, *, app: str, certificate: str) -> None:
        """An administrator adds a certificate (base64 DER) to an app."""

    @overload
    def event(self, name: Literal["add-secret"], /, *, app: str, secret: str) -> None:
        """An administrator adds a client secret to an app."""

    @overload
    def event(self, name: Literal["allow-home-tenant"], /, *, user: str) -> None:
        """A home tenant's users may come here as guests again."""

    @overload
    def event(self, name: Literal["approve-request"], /, *, app: str) -> None:
        """A reviewer approves a consent request: consent for the tenant."""

    @overload
    def event(self, name: Literal["assign-user"], /, *, app: str, user: str) -> None:
        """An administrator assigns a user to an app."""

    @overload
    def event(self, name: Literal["block-by-policy"], /, *, user: str | None = ..., app: str | None = ..., inside: Sequence[str] | None = ..., outside: Sequence[str] | None = ...) -> None:
        """A conditional access policy blocks access: everywhere, inside of networks, or outside."""

    @overload
    def event(self, name: Literal["block-home-tenant"], /, *, user: str) -> None:
        """Cross-tenant access settings block the users of a guest's home tenant."""

    @overload
    def event(self, name: Literal["block-request"], /, *, app: str, justification: str | None = ...) -> None:
        """A reviewer blocks the app of a consent request."""

    @overload
    def event(self, name: Literal["block-tenant"], /) -> None:
        """Microsoft blocks the tenant."""

    @overload
    def event(self, name: Literal["change-message"], /, *, user: str, subject: str, read: bool | None = ..., folder: str | None = ...) -> None:
        """The person reads a mail in Outlook, or moves it to another folder by its well-known name: the
newest one with the subject."""

    @overload
    def event(self, name: Literal["change-password"], /, *, user: str, password: str | None = ...) -> None:
        """The user changes the password."""

    @overload
    def event(self, name: Literal["change-permissions"], /, *, app: str, scopes: Sequence[str] | None = ..., roles: Sequence[str] | None = ...) -> None:
        """A developer changes the permissions that are registered on an app."""

    @overload
    def event(self, name: Literal["change-redirect-uris"], /, *, app: str, redirect_uris: Sequence[str]) -> None:
        """A developer replaces the redirect URIs of an app."""

    @overload
    def event(self, name: Literal["delete-app"], /, *, app: str) -> None:
        """A registration is deleted, with its service principal."""

    @overload
    def event(self, name: Literal["delete-tenant"], /) -> None:
        """The tenant is deleted."""

    @overload
    def event(self, name: Literal["delete-file"], /, *, user: str, path: str) -> None:
        """A file or a folder of a user's OneDrive is deleted."""

    @overload
    def event(self, name: Literal["delete-user"], /, *, user: str) -> None:
        """A user is deleted (and can be restored)."""

    @overload
    def event(self, name: Literal["deliver-message"], /, *, user: str, subject: str | None = ..., from_: str | None = ..., body: str | None = ..., late: int | None = ...) -> None:
        """A mail arrives; `late`: it was received so many seconds ago, and is only seen now."""

    @overload
    def event(self, name: Literal["deny-request"], /, *, app: str, justification: str | None = ...) -> None:
        """A reviewer denies a consent request."""

    @overload
    def event(self, name: Literal["disable-app"], /, *, app: str) -> None:
        """An administrator switches off sign-in to an app."""

    @overload
    def event(self, name: Literal["disable-device"], /, *, user: str) -> None:
        """An administrator disables the user's device."""

    @overload
    def event(self, name: Literal["disable-user"], /, *, user: str) -> None:
        """An administrator disables an account."""

    @overload
    def event(self, name: Literal["enable-app"], /, *, app: str) -> None:
        """An administrator switches sign-in to an app on again."""

    @overload
    def event(self, name: Literal["enable-user"], /, *, user: str) -> None:
        """An administrator enables an account."""

    @overload
    def event(self, name: Literal["expire-access-tokens"], /, *, user: str | None = ..., app: str | None = ...) -> None:
        """Access tokens issued so far count as expired."""

    @overload
    def event(self, name: Literal["expire-certificate"], /, *, app: str) -> None:
        """The certificates of an app expire."""

    @overload
    def event(self, name: Literal["expire-delta-tokens"], /, *, user: str) -> None:
        """The mailbox and the OneDrive of a user forget what delta queries ask for: they have to begin
anew."""

    @overload
    def event(self, name: Literal["expire-password"], /, *, user: str) -> None:
        """The password expires: it must be changed at the next sign-in."""

    @overload
    def event(self, name: Literal["expire-secret"], /, *, app: str) -> None:
        """The secrets of an app expire."""

    @overload
    def event(self, name: Literal["grant-app-role"], /, *, app: str, role: str) -> None:
        """An administrator grants an application permission: of Graph, of Exchange, or of an app's own
API (`middle-tier-api/Tasks.Read.All`)."""

    @overload
    def event(self, name: Literal["grant-consent"], /, *, app: str, scopes: Sequence[str], user: str | None = ...) -> None:
        """Consent: of a user, or (without one) of an administrator for the tenant. A permission of an
app's own API is written with the API (`middle-tier-api/access_as_user`)."""

    @overload
    def event(self, name: Literal["grant-mailbox-access"], /, *, mailbox: str, user: str, right: Literal["full-access", "send-as", "send-on-behalf"] | None = ...) -> None:
        """Somebody may open a mailbox."""

    @overload
    def event(self, name: Literal["judge-app"], /, *, app: str, verified: bool | None = ..., risky: bool | None = ...) -> None:
        """Microsoft judges an app: its publisher, and whether consent to it is risky."""

    @overload
    def event(self, name: Literal["lock-user"], /, *, user: str) -> None:
        """Smart lockout after too many wrong passwords."""

    @overload
    def event(self, name: Literal["put-file"], /, *, user: str, path: str, text: str | None = ..., keep_both: bool | None = ...) -> None:
        """A file is put into a user's OneDrive by its owner, with the folders on the way: a new one, or
another content of the one that is there."""

    @overload
    def event(self, name: Literal["register-second-factor"], /, *, user: str) -> None:
        """The user registers a second factor."""

    @overload
    def event(self, name: Literal["remove-certificate"], /, *, app: str) -> None:
        """The certificates of an app are removed."""

    @overload
    def event(self, name: Literal["remove-licence"], /, *, user: str) -> None:
        """The mailbox licence of a user is removed."""

    @overload
    def event(self, name: Literal["remove-secret"], /, *, app: str, secret: str | None = ...) -> None:
        """The secrets of an app are removed, or the one with this value."""

    @overload
    def event(self, name: Literal["remove-second-factor"], /, *, user: str) -> None:
        """An administrator removes the second factor of a user: it must be registered again."""

    @overload
    def event(self, name: Literal["rename-user"], /, *, user: str, to: str) -> None:
        """A user gets another sign-in name."""

    @overload
    def event(self, name: Literal["request-consent"], /, *, app: str, user: str, scopes: Sequence[str], reason: str | None = ...) -> None:
        """A user asks an administrator to consent."""

    @overload
    def event(self, name: Literal["require-assignment"], /, *, app: str) -> None:
        """Only assigned users may use the app."""

    @overload
    def event(self, name: Literal["require-compliant-device"], /, *, user: str | None = ..., app: str | None = ...) -> None:
        """A conditional access policy demands a compliant device."""

    @overload
    def event(self, name: Literal["require-mfa"], /, *, user: str | None = ..., app: str | None = ...) -> None:
        """A conditional access policy demands multifactor authentication."""

    @overload
    def event(self, name: Literal["require-terms-of-use"], /, *, user: str | None = ..., app: str | None = ...) -> None:
        """A conditional access policy demands accepted terms of use."""

    @overload
    def event(self, name: Literal["reset-password"], /, *, user: str, by: Literal["admin-center", "admin-portal", "self-service"] | None = ..., password: str | None = ...) -> None:
        """The password is reset."""

    @overload
    def event(self, name: Literal["restore-user"], /, *, user: str) -> None:
        """A deleted user is restored."""

    @overload
    def event(self, name: Literal["revoke-access-tokens"], /, *, user: str | None = ..., app: str | None = ...) -> None:
        """Continuous access evaluation: tokens issued so far are challenged."""

    @overload
    def event(self, name: Literal["restrict-app-mailboxes"], /, *, app: str, mailboxes: Sequence[str] | None = ...) -> None:
        """An application access policy of Exchange restricts an app as itself to some mailboxes; without
`mailboxes` the policy goes."""

    @overload
    def event(self, name: Literal["revoke-app-role"], /, *, app: str, role: str | None = ...) -> None:
        """An application permission is taken away, or (without `role`) all of them."""

    @overload
    def event(self, name: Literal["revoke-consent"], /, *, app: str, user: str | None = ...) -> None:
        """Consent is withdrawn: of a user, or (without one) all consent to the app. A user's consent is
the user's own: what was consented for the tenant stays."""

    @overload
    def event(self, name: Literal["revoke-mailbox-access"], /, *, mailbox: str, user: str) -> None:
        """Somebody may no longer open a mailbox."""

    @overload
    def event(self, name: Literal["revoke-sessions"], /, *, user: str, by: Literal["admin", "user"] | None = ...) -> None:
        """The sessions of a user are revoked."""

    @overload
    def event(self, name: Literal["rotate-signing-key"], /) -> None:
        """The signing key of the tenant's tokens is replaced."""

    @overload
    def event(self, name: Literal["set-app-risk"], /, *, app: str, risk: Literal["none", "low", "medium", "high"]) -> None:
        """Identity Protection reports a risk of an app's service principal."""

    @overload
    def event(self, name: Literal["set-client-address"], /, *, address: str | None = ...) -> None:
        """From where the clients of the tenant come; without an address from where they really do."""

    @overload
    def event(self, name: Literal["set-sign-in-frequency"], /, *, seconds: int, user: str | None = ..., app: str | None = ..., second_factor: bool | None = ...) -> None:
        """A conditional access policy sets a sign-in frequency, 0 for every time; `second_factor`:
of the second factor alone."""

    @overload
    def event(self, name: Literal["set-token-lifetime"], /, *, seconds: int | None = ...) -> None:
        """A token lifetime policy for access tokens."""

    @overload
    def event(self, name: Literal["set-user-consent-policy"], /, *, user_consent: Literal["all", "microsoft-managed", "verified-low-impact", "none"], admin_consent_requests: bool | None = ..., low_impact: Sequence[str] | None = ..., request_days: int | None = ..., reviewers: Sequence[str] | None = ...) -> None:
        """Who may consent."""

    @overload
    def event(self, name: Literal["set-user-risk"], /, *, user: str, risk: Literal["none", "low", "medium", "high"], policy: Literal["block", "change-password"] | None = ...) -> None:
        """Identity Protection reports a risk; `policy`: what the tenant demands of such users."""

    @overload
    def event(self, name: Literal["single-sign-out"], /, *, user: str) -> None:
        """The user signs out everywhere on the web."""

    @overload
    def event(self, name: Literal["unassign-user"], /, *, app: str, user: str) -> None:
        """An administrator takes a user's assignment to an app away."""

    def event(self, name: str, /, **fields: object) -> None:
        """Makes something happen; names and fields are those of ``entra-mock event --help``."""
        self._happen(name, fields)

    def _happen(self, name: str, fields: dict[str, object]) -> None:
        raise NotImplementedError

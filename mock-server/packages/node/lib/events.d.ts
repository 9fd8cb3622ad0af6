// Made by mock-server/packages/make.py from mock-server/docs/openapi.json.

/** The events that can happen in a tenant, each with its fields. */
export interface Events {
  /** An administrator adds a certificate (base64 DER) to an app. */
  "add-certificate": { app: string; certificate: string };
  /** An administrator adds a client secret to an app. */
  "add-secret": { app: string; secret: string };
  /** A home tenant's users may come here as guests again. */
  "allow-home-tenant": { user: string };
  /** A reviewer approves a consent request: consent for the tenant. */
  "approve-request": { app: string };
  /** An administrator assigns a user to an app. */
  "assign-user": { app: string; user: string };
  /** A conditional access policy blocks access: everywhere, inside of networks, or outside. */
  "block-by-policy": { user?: string; app?: string; inside?: readonly string[]; outside?: readonly string[] };
  /** Cross-tenant access settings block the users of a guest's home tenant. */
  "block-home-tenant": { user: string };
  /** A reviewer blocks the app of a consent request. */
  "block-request": { app: string; justification?: string };
  /** Microsoft blocks the tenant. */
  "block-tenant": Record<string, never>;
  /** The person reads a mail in Outlook, or moves it to another folder by its well-known name: the
newest one with the subject. */
  "change-message": { user: string; subject: string; read?: boolean; folder?: string };
  /** The user changes the password. */
  "change-password": { user: string; password?: string };
  /** A developer changes the permissions that are registered on an app. */
  "change-permissions": { app: string; scopes?: readonly string[]; roles?: readonly string[] };
  /** A developer replaces the redirect URIs of an app. */
  "change-redirect-uris": { app: string; redirect_uris: readonly string[] };
  /** A registration is deleted, with its service principal. */
  "delete-app": { app: string };
  /** The tenant is deleted. */
  "delete-tenant": Record<string, never>;
  /** A file or a folder of a user's OneDrive is deleted. */
  "delete-file": { user: string; path: string };
  /** A user is deleted (and can be restored). */
  "delete-user": { user: string };
  /** A mail arrives; `late`: it was received so many seconds ago, and is only seen now. */
  "deliver-message": { user: string; subject?: string; from?: string; body?: string; late?: number };
  /** A reviewer denies a consent request. */
  "deny-request": { app: string; justification?: string };
  /** An administrator switches off sign-in to an app. */
  "disable-app": { app: string };
  /** An administrator disables the user's device. */
  "disable-device": { user: string };
  /** An administrator disables an account. */
  "disable-user": { user: string };
  /** An administrator switches sign-in to an app on again. */
  "enable-app": { app: string };
  /** An administrator enables an account. */
  "enable-user": { user: string };
  /** Access tokens issued so far count as expired. */
  "expire-access-tokens": { user?: string; app?: string };
  /** The certificates of an app expire. */
  "expire-certificate": { app: string };
  /** The mailbox and the OneDrive of a user forget what delta queries ask for: they have to begin
anew. */
  "expire-delta-tokens": { user: string };
  /** The password expires: it must be changed at the next sign-in. */
  "expire-password": { user: string };
  /** The secrets of an app expire. */
  "expire-secret": { app: string };
  /** An administrator grants an application permission: of Graph, of Exchange, or of an app's own
API (`middle-tier-api/Tasks.Read.All`). */
  "grant-app-role": { app: string; role: string };
  /** Consent: of a user, or (without one) of an administrator for the tenant. A permission of an
app's own API is written with the API (`middle-tier-api/access_as_user`). */
  "grant-consent": { app: string; scopes: readonly string[]; user?: string };
  /** Somebody may open a mailbox. */
  "grant-mailbox-access": { mailbox: string; user: string; right?: "full-access" | "send-as" | "send-on-behalf" };
  /** Microsoft judges an app: its publisher, and whether consent to it is risky. */
  "judge-app": { app: string; verified?: boolean; risky?: boolean };
  /** Smart lockout after too many wrong passwords. */
  "lock-user": { user: string };
  /** A file is put into a user's OneDrive by its owner, with the folders on the way: a new one, or
another content of the one that is there. */
  "put-file": { user: string; path: string; text?: string; keep_both?: boolean };
  /** The user registers a second factor. */
  "register-second-factor": { user: string };
  /** The certificates of an app are removed. */
  "remove-certificate": { app: string };
  /** The mailbox licence of a user is removed. */
  "remove-licence": { user: string };
  /** The secrets of an app are removed, or the one with this value. */
  "remove-secret": { app: string; secret?: string };
  /** An administrator removes the second factor of a user: it must be registered again. */
  "remove-second-factor": { user: string };
  /** A user gets another sign-in name. */
  "rename-user": { user: string; to: string };
  /** A user asks an administrator to consent. */
  "request-consent": { app: string; user: string; scopes: readonly string[]; reason?: string };
  /** Only assigned users may use the app. */
  "require-assignment": { app: string };
  /** A conditional access policy demands a compliant device. */
  "require-compliant-device": { user?: string; app?: string };
  /** A conditional access policy demands multifactor authentication. */
  "require-mfa": { user?: string; app?: string };
  /** A conditional access policy demands accepted terms of use. */
  "require-terms-of-use": { user?: string; app?: string };
  /** The password is reset. */
  "reset-password": { user: string; by?: "admin-center" | "admin-portal" | "self-service"; password?: string };
  /** A deleted user is restored. */
  "restore-user": { user: string };
  /** Continuous access evaluation: tokens issued so far are challenged. */
  "revoke-access-tokens": { user?: string; app?: string };
  /** An application access policy of Exchange restricts an app as itself to some mailboxes; without
`mailboxes` the policy goes. */
  "restrict-app-mailboxes": { app: string; mailboxes?: readonly string[] };
  /** An application permission is taken away, or (without `role`) all of them. */
  "revoke-app-role": { app: string; role?: string };
  /** Consent is withdrawn: of a user, or (without one) all consent to the app. A user's consent is
the user's own: what was consented for the tenant stays. */
  "revoke-consent": { app: string; user?: string };
  /** Somebody may no longer open a mailbox. */
  "revoke-mailbox-access": { mailbox: string; user: string };
  /** The sessions of a user are revoked. */
  "revoke-sessions": { user: string; by?: "admin" | "user" };
  /** The signing key of the tenant's tokens is replaced. */
  "rotate-signing-key": Record<string, never>;
  /** Identity Protection reports a risk of an app's service principal. */
  "set-app-risk": { app: string; risk: "none" | "low" | "medium" | "high" };
  /** From where the clients of the tenant come; without an address from where they really do. */
  "set-client-address": { address?: string };
  /** A conditional access policy sets a sign-in frequency, 0 for every time; `second_factor`:
of the second factor alone. */
  "set-sign-in-frequency": { seconds: number; user?: string; app?: string; second_factor?: boolean };
  /** A token lifetime policy for access tokens. */
  "set-token-lifetime": { seconds?: number };
  /** Who may consent. */
  "set-user-consent-policy": { user_consent: "all" | "microsoft-managed" | "verified-low-impact" | "none"; admin_consent_requests?: boolean; low_impact?: readonly string[]; request_days?: number; reviewers?: readonly string[] };
  /** Identity Protection reports a risk; `policy`: what the tenant demands of such users. */
  "set-user-risk": { user: string; risk: "none" | "low" | "medium" | "high"; policy?: "block" | "change-password" };
  /** The user signs out everywhere on the web. */
  "single-sign-out": { user: string };
  /** An administrator takes a user's assignment to an app away. */
  "unassign-user": { app: string; user: string };
}

export type Category =
  | "access-denied" | "admin-consent-required" | "conflict" | "consent-required" | "interaction-blocked" | "invalid-configuration"
  | "invalid-credentials" | "not-found" | "reconnect-required" | "throttled" | "unavailable" | "unsupported" | "untrusted";
export type AuthMethod = "authorization-code" | "client-certificate" | "client-credentials" | "own-app";
export type EnvironmentName = "office365" | "us-gov-l4" | "us-gov-l5" | "china";

/** What the connector's user sees when something fails. */
export class Failure extends Error {
  constructor(category: Category, message: string, options?: { aadsts?: number[]; retryAfter?: number });
  readonly data: { category: Category; message: string; aadsts: number[]; retry_after?: number };
}

/** What `connect` returns where somebody has to sign in at a page first. */
export class AwaitingAuthorization<C = unknown> {
  constructor(authorizeUrl: string, connection: C);
  readonly authorizeUrl: string;
  readonly connection: C;
}

/** Notifications to the suite. */
export interface Suite {
  openUrl(connection: string, url: string): void;
  showDeviceCode(connection: string, userCode: string, verificationUri: string): void;
  log(text: string, level?: string): void;
  waiting(seconds: number): void;
}

/** The settings of a connection; cases leave fields out and fill them wrongly on purpose. */
export interface Settings {
  client_id?: string;
  client_secret?: string;
  tenant_id?: string;
  certificate?: string;
  certificate_password?: string;
  scopes?: string[];
  account?: string;
  shared_mailbox?: string;
  redirect_uri?: string;
}

export interface ConnectParams {
  /** The id of the connection, for notifications. */
  name: string;
  settings: Settings;
  authMethod: AuthMethod;
  environment?: EnvironmentName;
  endpoints?: { authority: string; graph: string };
  suite: Suite;
}

/** A connector, as the suite drives it. `C` is what the driver keeps of a connection. */
export interface Driver<C> {
  name: string;
  version: string;
  authMethods: AuthMethod[];
  environments?: EnvironmentName[];
  features?: string[];
  maxConnections?: number;
  connect(params: ConnectParams): Promise<C | AwaitingAuthorization<C>> | C | AwaitingAuthorization<C>;
  finishAuthorization?(connection: C, answer: { redirectUrl: string; form?: Record<string, string> }): Promise<C | void> | C | void;
  operations?: Record<string, (connection: C, parameters: any) => unknown>;
  status?(connection: C): Promise<"connected" | Failure> | "connected" | Failure;
  disconnect?(connection: C): Promise<void> | void;
  settle?(): Promise<void> | void;
  advanceClock?(seconds: number): Promise<void> | void;
  /** Makes a Failure of the connector's own errors; nothing for those that it does not know. */
  failure?(error: unknown): Failure | undefined;
}

/** Speaks the connector protocol on standard input and output until the suite says that it is over. */
export function runDriver<C>(driver: Driver<C>): Promise<void>;

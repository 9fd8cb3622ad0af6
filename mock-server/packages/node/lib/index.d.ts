import type { Events } from "./events";

export type { Events };
export type EnvironmentName = "office365" | "us-gov-l4" | "us-gov-l5" | "china";
export type Surface =
  | "admin-consent" | "authorize" | "connection" | "device-code" | "discovery" | "graph" | "keys" | "logout" | "other"
  | "proxy" | "tls" | "token";

/** A user, with what is needed to sign in. */
export interface User {
  id: string;
  upn: string;
  password: string;
}

/** An app, with what a client needs. */
export interface App {
  client_id: string;
  tenant_id: string;
  redirect_uris: string[];
  client_secret?: string;
  certificate_file?: string;
  key_file?: string;
  pfx_file?: string;
  pfx_password?: string;
}

/** A request with its answer, as the journal has it. */
export interface Exchange {
  kind: "exchange";
  number: number;
  surface: Surface;
  method: string;
  origin: string;
  path: string;
  query: [string, string][];
  request_headers: [string, string][];
  form: [string, string][];
  request_body?: unknown;
  status: number;
  response_headers: [string, string][];
  response_body?: unknown;
  grant?: string;
  client?: string;
  user?: string;
  aadsts: number[];
  error?: string;
  decision?: string;
  fault?: string;
  tokens: { kind: string; direction: "issued" | "presented"; fingerprint: string; family?: string; generation?: number }[];
}

/** Which exchanges are meant: those that fit all that is given. Clients and users go by alias or id. */
export interface Conditions {
  surface?: Surface;
  grant?: string;
  client?: string;
  user?: string;
  status?: number;
  aadsts?: number;
  method?: string;
  path?: string;
  /** Only after this position of the journal. */
  since?: number;
  that?(exchange: Exchange): boolean;
}

/** What a test expects of the exchanges. */
export interface Expectation {
  /** Waits up to so many milliseconds until it is so; `never` and `atMost` wait the whole time. */
  within(milliseconds: number): this;
  once(): Promise<Exchange>;
  never(): Promise<void>;
  times(times: number): Promise<Exchange[]>;
  atLeast(times: number): Promise<Exchange[]>;
  atMost(times: number): Promise<Exchange[]>;
}

/** What the clients of a tenant did. */
export interface Journal {
  entries(since?: number): Promise<({ kind: string; number: number } & Record<string, unknown>)[]>;
  exchanges(since?: number): Promise<Exchange[]>;
  position(): Promise<number>;
  expect(conditions?: Conditions): Expectation;
}

/** A tenant's time. */
export interface Clock {
  now(): Promise<Date>;
  /** Moves it forward, by "91d" or "1h 30m". */
  advance(by: string): Promise<Date>;
  freeze(): Promise<Date>;
  reset(): Promise<Date>;
}

/** Something that goes wrong on purpose, until it is removed. */
export interface Fault {
  readonly number: number;
  touched(): Promise<number>;
  remove(): Promise<void>;
}

/** A token or a code, decoded, and what would happen to it now. */
export interface Token {
  kind: "access-token" | "assertion" | "authorization-code" | "id-token" | "refresh-token" | "unknown";
  claims: Record<string, any>;
  header: Record<string, any>;
  valid: boolean;
  reason: string;
  aadsts?: number;
  error?: string;
  advice?: string;
}

export type FaultAction = string | Record<string, unknown>;

/** A tenant of a running mock. */
export interface Tenant {
  readonly id: string;
  readonly domain: string;
  readonly loginHost: string;
  readonly graphHost: string;
  /** Microsoft's own authority for this tenant: what an unmodified client has. */
  readonly authority: string;
  /** Microsoft's own Graph root, without a version. */
  readonly graph: string;
  readonly localAuthority: string;
  readonly localGraph: string;
  readonly sharedMailbox?: string;
  readonly users: Record<string, User>;
  readonly apps: Record<string, App>;
  readonly clock: Clock;
  readonly journal: Journal;
  event<K extends keyof Events>(
    name: K,
    ...fields: Record<string, never> extends Events[K] ? [fields?: Events[K]] : [fields: Events[K]]
  ): Promise<void>;
  fault(action: FaultAction, options?: { on?: Record<string, unknown>; when?: Record<string, unknown> }): Promise<Fault>;
  faults(): Promise<{ number: number; met: number; touched: number; fault: unknown }[]>;
  clearFaults(): Promise<void>;
  decode(token: string): Promise<Token>;
  play(yaml: string): Promise<void>;
  remove(): Promise<void>;
}

export interface StartOptions {
  /** A world of your own (the path of a YAML file) instead of the default one. */
  seed?: string;
  /** Further arguments of `entra-mock serve`. */
  arguments?: string[];
}

/** A running mock. */
export class Server {
  /** One that runs, by the URL of its control API. */
  constructor(url: string);
  /** Starts the program on free ports, and waits until it is ready. It ends with this process. */
  static start(options?: StartOptions): Promise<Server>;
  /** The mock of `entra-mock run`, or one that is started; Microsoft's hosts lead to it from now on. */
  static inProcess(options?: StartOptions): Promise<Server>;
  readonly url: string;
  readonly readyFile?: string;
  /** Leads clients of this process, and of those that it starts, to the mock. */
  attach(): Promise<void>;
  ready(): Promise<Record<string, any>>;
  variables(environment?: EnvironmentName): Promise<Record<string, string>>;
  tenant(environment?: EnvironmentName): Promise<Tenant>;
  createTenant(options?: { environment?: EnvironmentName; seed?: unknown }): Promise<Tenant>;
  stop(): Promise<void>;
}

/** What the mock did not understand, or could not do. */
export class EntraMockError extends Error {
  readonly title: string;
  readonly status?: number;
}

/** The path of a program, and the name to start it under. */
export function findProgram(name?: "entra-mock" | "entra-conformance"): { path: string; name: string };

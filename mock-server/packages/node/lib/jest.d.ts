import type { EnvironmentName, Server, StartOptions, Tenant } from "./index";

/** A mock for the file, a tenant for each test: `entra.tenant` within a test. */
export function useEntra(options?: StartOptions & { environment?: EnvironmentName }): {
  readonly server: Server;
  readonly tenant: Tenant;
};

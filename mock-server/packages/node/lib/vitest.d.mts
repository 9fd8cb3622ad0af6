import type { TestAPI } from "vitest";
import type { EnvironmentName, Server, Tenant } from "./index.js";

/** The mock of this worker. */
export function server(): Promise<Server>;
export const test: TestAPI<{ environment: EnvironmentName; entraServer: Server; tenant: Tenant }>;

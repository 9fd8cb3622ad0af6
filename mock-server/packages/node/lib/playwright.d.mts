import type {
  PlaywrightTestArgs, PlaywrightTestOptions, PlaywrightWorkerArgs, PlaywrightWorkerOptions, TestType,
} from "@playwright/test";
import type { EnvironmentName, Server, Tenant } from "./index.js";

export { expect } from "@playwright/test";
export const test: TestType<
  PlaywrightTestArgs & PlaywrightTestOptions & { environment: EnvironmentName; tenant: Tenant },
  PlaywrightWorkerArgs & PlaywrightWorkerOptions & { entraServer: Server }
>;

export default { test: { include: ["*.vitest.test.mjs", "expired.test.mjs"], testTimeout: 30_000 } };

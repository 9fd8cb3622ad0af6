module.exports = { testMatch: ["**/*.jest.test.cjs"], testTimeout: 30_000 };

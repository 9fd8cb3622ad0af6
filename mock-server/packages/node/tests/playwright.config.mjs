export default {
  testMatch: "*.playwright.mjs",
  reporter: "line",
  use: { launchOptions: { executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] } },
};

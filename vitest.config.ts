import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["test/workerd/**"],
    globalSetup: ["test/support/global-setup.ts"],
    testTimeout: 20_000,
  },
});

// The pages of the site, in the order of its menu: files of the repository, without their ending.

export const chapters = [
  {
    text: "Start",
    pages: {
      README: "Introduction",
      "docs/recipes": "Recipes",
      "docs/beside-others": "Beside other servers",
      "docs/migrating-from-ws": "Coming from ws",
      "examples/README": "Examples",
    },
  },
  {
    text: "The library",
    pages: {
      "docs/options": "Options",
      "docs/functions": "Options that are functions",
      "docs/causes-and-close-codes": "Causes and close codes",
    },
  },
  {
    text: "The hub",
    pages: {
      "docs/hub": "Topics that recover",
      "docs/jwt": "Tokens",
      "docs/hub-http": "By HTTP",
      "docs/wire": "The wire",
    },
  },
  {
    text: "The command",
    pages: {
      "docs/cli": "hawser serve",
      "docs/audit": "hawser audit",
      "docs/bench": "hawser bench",
      "docs/connect": "hawser connect",
    },
  },
  {
    text: "Running it",
    pages: {
      "docs/deployment": "Deployment",
      "deploy/README": "Files to deploy with",
      "docs/admin": "Dashboard and health",
      "docs/metrics": "Metrics",
      "docs/log-events": "Log events",
      "docs/diagnostics": "Diagnostics channels",
      "docs/tracing": "Tracing",
    },
  },
  {
    text: "Inside",
    pages: {
      "docs/architecture": "Architecture",
      "packages/hawser/src/server/internals/README": "Below Node's documented API",
      "docs/performance": "Performance",
      "docs/performance-figures": "All figures",
      CONTRIBUTING: "Contributing",
      SECURITY: "Security",
      CHANGELOG: "Changelog",
    },
  },
];

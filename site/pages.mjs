// The pages of the site, in the order of its menu: files of the repository, without their ending.

export const chapters = [
  {
    text: "Start",
    pages: {
      README: "Introduction",
      "docs/recipes": "Recipes",
      "docs/beside-others": "Beside other servers",
      "docs/http2": "HTTP/2",
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
      "docs/hub-guide": "In ten minutes",
      "docs/recovery": "How recovery works",
      "docs/permissions": "Permissions",
      "docs/jwt": "Tokens",
      "docs/hub-http": "By HTTP",
      "docs/workers": "Workers",
      "docs/wire": "The wire",
      "docs/hub-api": "Options, functions, events",
      "docs/migrating-from-socket-io": "Coming from Socket.IO",
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
      "docs/operations": "Operations",
      "docs/scaling": "Scaling",
      "docs/chaos": "Chaos",
      "docs/redis": "Redis",
      "docs/nats": "NATS",
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

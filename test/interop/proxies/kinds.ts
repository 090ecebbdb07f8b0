import { writeFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { type ProxyKind, type ProxyTarget, deployed } from "./proxy.js";

const SILENCE_S = 4;

/** A line that a file has for a second node is a comment, and becomes a line where there is one. */
function secondNode(line: string, port: ProxyTarget | undefined): Record<string, string> {
  return port === undefined ? {} : { [`# ${line}`]: line.replace("127.0.0.1:8081", `127.0.0.1:${port}`) };
}

export const nginx: ProxyKind = {
  name: "nginx",
  program: "nginx",
  silenceS: SILENCE_S,
  down: [502],
  prepare({ folder, port, targets: [target, second], certificate }) {
    const site = deployed("nginx.conf", {
      "    server 127.0.0.1:8080;": `    server ${typeof target === "number" ? `127.0.0.1:${target}` : `unix:${target}`};`,
      ...secondNode("server 127.0.0.1:8081;", second),
      "listen 443 ssl;": `listen 127.0.0.1:${port} ssl;`,
      "/etc/ssl/chat.example.com/fullchain.pem": certificate.cert,
      "/etc/ssl/chat.example.com/privkey.pem": certificate.key,
      "proxy_read_timeout 75s;": `proxy_read_timeout ${SILENCE_S}s;`,
    });
    writeFileSync(join(folder, "site.conf"), site);
    // The frame that a distribution's nginx.conf gives to the files in conf.d, with everything it writes kept in the folder.
    const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"].map(
      (kind) => `${kind}_temp_path ${folder}/${kind};`,
    );
    const frame = [
      "daemon off;",
      "master_process off;",
      `pid ${folder}/nginx.pid;`,
      "error_log stderr warn;",
      "events {}",
      `http { access_log off; ${temporary.join(" ")} include ${folder}/site.conf; }`,
    ];
    writeFileSync(join(folder, "nginx.conf"), frame.join("\n"));
    return ["-e", "stderr", "-c", join(folder, "nginx.conf")];
  },
};

export const haproxy: ProxyKind = {
  name: "HAProxy",
  program: "haproxy",
  silenceS: SILENCE_S,
  down: [502, 503],
  prepare({ folder, port, targets: [target, second], certificate }) {
    const file = join(folder, "haproxy.cfg");
    const server = typeof target === "number" ? `127.0.0.1:${target}` : `unix@${target}`;
    const text = deployed("haproxy.cfg", {
      "server hawser1 127.0.0.1:8080 ": `server hawser1 ${server} `,
      ...secondNode("option redispatch 1", second),
      ...secondNode("server hawser2 127.0.0.1:8081 check inter 2s", second),
      "bind :443 ": `bind 127.0.0.1:${port} `,
      "/etc/haproxy/certs/chat.example.com.pem": certificate.both,
      "timeout tunnel 75s": `timeout tunnel ${SILENCE_S}s`,
      "maxconn 65536": "maxconn 1000", // or it asks for more descriptors than this machine may allow
      // Only root may become another user.
      ...(userInfo().uid === 0 ? {} : { "    user haproxy\n": "", "    group haproxy\n": "" }),
    });
    writeFileSync(file, text);
    return ["-db", "-f", file];
  },
};

export const caddy: ProxyKind = {
  name: "Caddy",
  program: "caddy",
  silenceS: undefined,
  down: [502],
  prepare({ folder, port, targets: [target, second], certificate }) {
    const file = join(folder, "Caddyfile");
    const text = deployed("Caddyfile", {
      "chat.example.com {": `https://127.0.0.1:${port}, https://chat.example.com:${port} {\n\tbind 127.0.0.1\n\ttls ${certificate.cert} ${certificate.key}`,
      "reverse_proxy 127.0.0.1:8080 {": `reverse_proxy ${typeof target === "number" ? `127.0.0.1:${target}` : `unix/${target}`} {`,
      ...secondNode("to 127.0.0.1:8081", second),
      ...secondNode("lb_policy round_robin", second),
      ...secondNode("lb_try_duration 5s", second),
    });
    // No admin port and no port 80: the tests may run beside a real one. No certificate is asked for, and no authority of Caddy's own is
    // made known to this machine, which would take seconds each time.
    writeFileSync(file, `{\n\tadmin off\n\tauto_https off\n\tskip_install_trust\n}\n${text}`);
    return ["run", "--config", file, "--adapter", "caddyfile"];
  },
};

// Leads TLS connections to Microsoft's hosts through the mock's proxy, in this process.
//
// The fetch of Node 20 reads neither a proxy nor certificates from the environment, and Node reads
// NODE_EXTRA_CA_CERTS at its start only. Whatever client opens a connection, it does so by
// tls.connect: there the tunnel is opened and the mock's root is trusted.
//
// As a preload (`node --require entra-mock/register`) it does nothing unless the variables of
// `entra-mock run`, of the suite or of a fixture name a mock.
"use strict";

const fs = require("node:fs");
const net = require("node:net");
const tls = require("node:tls");
const { Duplex } = require("node:stream");

const LOOPBACK = new Set(["localhost", "127.0.0.1", "::1"]);
const files = new Map();

/** A file's content, read once; nothing if it is gone. */
function content(path) {
  if (!files.has(path)) {
    try {
      files.set(path, fs.readFileSync(path, "utf8"));
    } catch {
      // The mock has ended, and its files with it.
      return undefined;
    }
  }
  return files.get(path);
}

/** Whether a host is Microsoft's; without a ready file each that is not here may be. */
function isMicrosofts(host) {
  const ready = process.env.ENTRA_MOCK_READY && content(process.env.ENTRA_MOCK_READY);
  return ready ? JSON.parse(ready).hosts.includes(host) : !LOOPBACK.has(host);
}

/** A connection to a host through the proxy, which can be written to at once. */
class Tunnel extends Duplex {
  #open = false;
  #waiting;

  constructor(proxy, host, port) {
    super();
    const { hostname, port: proxyPort } = new URL(proxy);
    this.socket = net.connect(Number(proxyPort || 80), hostname.replace(/^\[|\]$/g, ""));
    this.socket.write(`CONNECT ${host}:${port} HTTP/1.1\r\nHost: ${host}:${port}\r\n\r\n`);
    let head = Buffer.alloc(0);
    this.socket.on("data", (part) => {
      if (this.#open) return void (this.push(part) || this.socket.pause());
      head = Buffer.concat([head, part]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return undefined;
      const text = head.toString();
      if (!/^HTTP\/1\.[01] 200/.test(text)) {
        return this.destroy(new Error(`the mock's proxy refuses ${host}: ${text.replace(/\r\n/g, " ").trim()}`));
      }
      this.#open = true;
      if (head.length > end + 4) this.push(head.subarray(end + 4));
      this.#waiting?.();
    });
    this.socket.on("end", () => this.push(null));
    this.socket.on("error", (error) => this.destroy(error));
    this.socket.on("close", () => this.destroy());
  }

  _read() {
    this.socket.resume();
  }

  _write(chunk, _, done) {
    if (this.#open) this.socket.write(chunk, done);
    else this.#waiting = () => this.socket.write(chunk, done);
  }

  _final(done) {
    this.socket.end(done);
  }

  _destroy(error, done) {
    this.socket.destroy();
    done(error);
  }
}

const PATCHED = Symbol.for("entra-mock.tls");

if (!tls[PATCHED]) {
  const connect = tls.connect;
  tls[PATCHED] = true;
  tls.connect = function (...parameters) {
    const callback = typeof parameters.at(-1) === "function" ? parameters.pop() : undefined;
    const [first, second, third] = parameters;
    let options = first;
    if (typeof first !== "object" || first === null) {
      options = typeof second === "string" ? { ...third, port: first, host: second } : { ...second, port: first };
    }
    const host = String(options.servername || options.host || "").toLowerCase();
    const root = process.env.ENTRA_MOCK_CA && content(process.env.ENTRA_MOCK_CA);
    if (!root || !host || options.path || (!LOOPBACK.has(host) && !isMicrosofts(host))) {
      return connect.call(this, options, callback);
    }
    const own = options.ca ? [options.ca].flat() : tls.rootCertificates;
    options = { ...options, ca: [...own, root] };
    if (!net.isIP(host)) options.servername ??= host;
    const proxy = process.env.HTTPS_PROXY || process.env.https_proxy;
    // With a socket, the client knows the proxy; loopback needs none.
    if (options.socket || !proxy || LOOPBACK.has(host)) return connect.call(this, options, callback);
    const tunnel = new Tunnel(proxy, host, options.port ?? 443);
    const made = connect.call(this, { ...options, socket: tunnel }, callback);
    // An idle connection does not hold the process: Node knows only of the inner one.
    for (const name of ["ref", "unref"]) {
      const inner = made[name];
      made[name] = function () {
        tunnel.socket[name]();
        return inner.call(made);
      };
    }
    return made;
  };
  // For those that import { connect }.
  require("node:module").syncBuiltinESMExports();
}

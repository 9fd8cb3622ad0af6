// A client of the control API, by node:http: never by a proxy, whatever fetch does.
"use strict";

const http = require("node:http");

/** What the mock did not understand, or could not do. */
class EntraMockError extends Error {
  constructor(title, detail, status) {
    super(detail || title);
    this.name = "EntraMockError";
    this.title = title;
    this.status = status;
  }
}

class Control {
  constructor(url) {
    this.url = url.replace(/\/+$/, "");
    /** Says how a mock that was started here has ended, or nothing. */
    this.ended = () => "";
  }

  ask(method, path, { query = {}, body } = {}) {
    const address = new URL(`${this.url}/api/v1/${path.map(encodeURIComponent).join("/")}`);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) address.searchParams.set(name, String(value));
    }
    return new Promise((resolve, reject) => {
      const failed = (error) =>
        reject(new EntraMockError("no answer", `no mock answers at ${this.url}: ${error.message}${this.ended()}`));
      const request = http.request(
        address,
        { method, agent: false, headers: { "Content-Type": "application/json" } },
        (response) => {
          const parts = [];
          response.on("data", (part) => parts.push(part));
          response.on("error", failed);
          response.on("end", () => {
            const text = Buffer.concat(parts).toString();
            let value = text;
            try {
              value = text ? JSON.parse(text) : undefined;
            } catch {
              // The root certificate and seed files are no JSON.
            }
            if (response.statusCode >= 400) {
              const { title = `HTTP ${response.statusCode}`, detail = "" } = value ?? {};
              reject(new EntraMockError(title, detail, response.statusCode));
            } else {
              resolve(value);
            }
          });
        },
      );
      request.on("error", failed);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

module.exports = { Control, EntraMockError };

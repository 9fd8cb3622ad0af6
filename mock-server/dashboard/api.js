// The control API. A refusal becomes an error with the words of the problem document.

const BASE = "/api/v1";

/** What the mock refused, in its own words. */
export class Refusal extends Error {
  constructor(problem, status) {
    super([problem.detail || problem.title || `the mock answered ${status}`,
      problem.line && `(line ${problem.line}, column ${problem.column})`, problem.help].filter(Boolean).join(" "));
    this.title = problem.title ?? "Refused";
    this.status = status;
  }
}

async function send(method, path, body) {
  let response;
  try {
    response = await fetch(BASE + path, {
      method,
      headers: body === undefined ? {} : { "Content-Type": "application/json" },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
  } catch {
    throw new Refusal({ title: "entra-mock does not answer", detail: "Is it still running?" }, 0);
  }
  const text = await response.text();
  const isJson = /json/.test(response.headers.get("content-type") ?? "");
  const value = isJson && text ? JSON.parse(text) : text;
  if (!response.ok) throw new Refusal(isJson ? value : {}, response.status);
  return value;
}

export const get = (path) => send("GET", path);
export const post = (path, body) => send("POST", path, body);
export const remove = (path) => send("DELETE", path);
export const put = (path, body) => send("PUT", path, body);

const once = new Map();

/** Reads something that does not change. */
export function constant(path) {
  if (!once.has(path)) {
    once.set(path, get(path).catch((error) => {
      once.delete(path);
      throw error;
    }));
  }
  return once.get(path);
}

/** The schema of a name in the control API's document. */
export async function schema(name) {
  const { components } = await constant("/openapi.json");
  const follow = (it) => it?.$ref ? components.schemas[it.$ref.split("/").pop()] : it;
  return { schema: components.schemas[name], follow };
}

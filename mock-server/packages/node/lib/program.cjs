// The programs that the platform's package carries.
"use strict";

const { spawn } = require("node:child_process");
const fs = require("node:fs");
const os = require("node:os");
const path = require("node:path");

const ENDING = process.platform === "win32" ? ".exe" : "";

/** The path of a program, and the name to start it under: one file may answer to both names. */
function find(name = "entra-mock") {
  const platform = `@entra-mock/${process.platform}-${process.arch}`;
  let folder;
  try {
    folder = path.dirname(require.resolve(`${platform}/package.json`));
  } catch {
    throw new Error(
      `the package ${platform} is not installed: it carries the programs for this machine. ` +
        "Install without --omit=optional, or add it by name",
    );
  }
  for (const file of [name, "entra-mock"]) {
    const found = path.join(folder, "bin", file + ENDING);
    if (fs.existsSync(found)) return { path: found, name };
  }
  throw new Error(`the package ${platform} has no program: install it again`);
}

/** The options for Node by which clients in its processes find the mock, whatever they are. */
function nodeOptions(before = process.env.NODE_OPTIONS ?? "") {
  const file = path.join(__dirname, "register.cjs");
  if (before.includes(file)) return before;
  return `${before} --require ${JSON.stringify(file)}`.trim();
}

/** Runs a program in place of this process: its output, its signals, its exit code. */
function become(name) {
  let found;
  try {
    found = find(name);
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exit(2);
  }
  const child = spawn(found.path, process.argv.slice(2), {
    argv0: found.name,
    stdio: "inherit",
    // `entra-mock run` hands it on to the command, and the suite to a connector.
    env: { ...process.env, NODE_OPTIONS: nodeOptions() },
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"]) {
    process.on(signal, () => child.kill(signal));
  }
  child.on("error", (error) => {
    process.stderr.write(`error: cannot run ${found.path}: ${error.message}\n`);
    process.exit(126);
  });
  child.on("exit", (code, signal) => {
    process.exit(code ?? 128 + (os.constants.signals[signal] ?? 0));
  });
}

module.exports = { find, nodeOptions, become };

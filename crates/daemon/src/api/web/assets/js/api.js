// Questions to supervisord, and what it answers when something goes wrong, as sentences.

const ROOT = "api/v1/";

/// The address of an endpoint. A name and a password in the address bar cannot go along; the browser knows them.
export function urlOf(path) {
  const base = new URL(document.baseURI);
  base.username = base.password = "";
  return new URL(ROOT + path, base);
}

/// What went wrong, in words for people. `code` stays the same from version to version.
export class Trouble extends Error {
  constructor(message, status, code, findings = []) {
    super(message);
    this.status = status;
    this.code = code;
    /// What is to be mended, where a configuration was refused.
    this.findings = findings;
  }
}

/// Whether the reader of this page has a right, for at least some program.
export function may(right) {
  return (document.body.dataset.rights ?? "").split(" ").includes(right);
}

/// How people call a process: `group:name`, or the name alone where both are the same.
export function spec(process) {
  return process.group === process.name ? process.name : `${process.group}:${process.name}`;
}

/// The key of a process in maps.
export function keyOf(process) {
  return `${process.group}:${process.name}`;
}

/// The path of a process in this interface.
export function pathOf(process) {
  return `processes/${encodeURIComponent(process.group)}/${encodeURIComponent(process.name)}`;
}

/// The address of a page about a process.
export function pageOf(page, process, more) {
  return `${page}?${new URLSearchParams({ processname: keyOf(process), ...more })}`;
}

const SENTENCES = {
  ALREADY_STARTED: "It is started already.",
  NOT_RUNNING: "It is not running.",
  NO_FILE: "The file of its command does not exist.",
  NOT_EXECUTABLE: "The file of its command is not executable.",
  SPAWN_ERROR: "It could not be started.",
  ABNORMAL_TERMINATION: "It ended at once.",
  BAD_NAME: "There is no such process any more.",
  SHUTDOWN_STATE: "supervisord is stopping.",
  UNAUTHORIZED: "You are not logged in any more. Reload the page.",
  FOREIGN_PAGE: "supervisord takes this page for one of another site. Put the name in the address bar into allowed_hosts.",
  MISDIRECTED_REQUEST: "supervisord is not known by the name in the address bar. Put that name into allowed_hosts.",
};

async function troubleOf(response) {
  let code = "";
  let message = "";
  let findings = [];
  try {
    const body = await response.json();
    ({ code, message } = body.error);
    findings = body.findings ?? [];
  } catch {
    // A proxy has words of its own.
    message = `The answer was ${response.status} ${response.statusText}`.trim() + ".";
  }
  if (code === "NOT_PERMITTED") {
    message = `You may not do that (${message.replace(/^NOT_PERMITTED: /, "")}).`;
  }
  return new Trouble(SENTENCES[code] ?? message, response.status, code, findings);
}

/// Asks and gives the whole answer; fails with Trouble.
export async function ask(path, options) {
  let response;
  try {
    response = await fetch(urlOf(path), { cache: "no-store", credentials: "same-origin", ...options });
  } catch (error) {
    if (error.name === "AbortError") {
      throw error;
    }
    throw new Trouble("supervisord does not answer.", 0, "UNREACHABLE");
  }
  if (!response.ok) {
    throw await troubleOf(response);
  }
  return response;
}

/// Reads something.
export async function get(path, options) {
  return (await ask(path, options)).json();
}

/// Changes something. Such a body cannot be sent by a page of another site without asking, and nobody answers that.
export async function post(path, body = {}) {
  const options = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  return (await ask(path, options)).json();
}

/// For each of many, some at a time, since a browser has few connections; what went wrong, with its item.
export async function each(items, run, together = 3) {
  const waiting = [...items];
  const failures = [];
  const work = async () => {
    while (waiting.length > 0) {
      const item = waiting.shift();
      try {
        await run(item);
      } catch (error) {
        failures.push({ item, error });
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(together, waiting.length) }, work));
  return failures;
}

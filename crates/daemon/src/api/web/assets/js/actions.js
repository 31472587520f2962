// What the buttons of the overview do, and what is said about it.

import { each, keyOf, pathOf, post, spec } from "./api.js";
import { complain, confirm, say } from "./frame.js";

const VERBS = {
  start: { done: "started", ask: "Start" },
  stop: { done: "stopped", ask: "Stop" },
  restart: { done: "restarted", ask: "Restart" },
};

/// Names that a question or a message shows.
const SHOWN = 20;

function many(number) {
  return number === 1 ? "1 program" : `${number} programs`;
}

function some(lines) {
  const more = lines.length - SHOWN;
  return more > 0 ? [...lines.slice(0, SHOWN), `and ${more} more`] : lines;
}

/// Why one failed, with what supervisord knows of it.
function reason(store, process, error) {
  const { error: why } = store.processes.get(keyOf(process)) ?? {};
  const helps = why && (error.code === "SPAWN_ERROR" || error.code === "ABNORMAL_TERMINATION");
  return helps ? `${error.message} (${why})` : error.message;
}

/// Does it to one or to several, with a question before what interrupts more than one. `mark(keys, on)` shows that
/// something is under way.
export async function actOn(store, verb, processes, mark) {
  const { done, ask } = VERBS[verb];
  if (processes.length === 1) {
    const [process] = processes;
    await marked(mark, processes, async () => {
      try {
        await post(`${pathOf(process)}/${verb}`);
        say(`${spec(process)} ${done}.`);
      } catch (error) {
        complain(`${spec(process)} not ${done}. ${reason(store, process, error)}`);
      }
    });
    return true;
  }
  if (verb !== "start" && !(await asked(ask, many(processes.length), processes.map(spec)))) {
    return false;
  }
  await marked(mark, processes, async () => {
    // Nobody waits for each: its state shows how it goes on.
    const failures = await each(processes, (process) => post(`${pathOf(process)}/${verb}?wait=false`));
    const lines = failures.map(({ item, error }) => `${spec(item)}: ${reason(store, item, error)}`);
    report(done, processes.length, lines);
  });
  return true;
}

/// Does it to a group, or to everything (null).
export async function actOnMany(store, verb, group, processes, mark) {
  const { done, ask } = VERBS[verb];
  const what = group === null ? `all ${many(processes.length)}` : `group ${group}, ${many(processes.length)}`;
  if (verb !== "start" && !(await asked(ask, what, processes.map(spec)))) {
    return;
  }
  const path = group === null ? `all/${verb}` : `groups/${encodeURIComponent(group)}/${verb}`;
  await marked(mark, processes, async () => {
    try {
      const { results } = await post(path);
      const fine = ["SUCCESS", "ALREADY_STARTED", "NOT_RUNNING"];
      const lines = results.filter(({ code }) => !fine.includes(code)).map((one) => `${spec(one)}: ${one.message}`);
      report(done, processes.length, lines);
    } catch (error) {
      complain(`${group ?? "All"} not ${done}. ${error.message}`);
    }
  });
}

function report(done, number, failures) {
  if (failures.length > 0) {
    complain(`${failures.length} of ${many(number)} not ${done}.`, some(failures));
  } else {
    say(`${many(number)} ${done}.`);
  }
}

function asked(ask, what, names) {
  return confirm({ title: `${ask} ${what}?`, text: "This interrupts what they do.", details: some(names), yes: ask, danger: ask === "Stop" });
}

async function marked(mark, processes, run) {
  const keys = processes.map(keyOf);
  mark(keys, true);
  await run();
  mark(keys, false);
}

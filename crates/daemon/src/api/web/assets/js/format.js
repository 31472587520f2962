// Times, sizes and ends, as people read them.

const two = (number) => String(number).padStart(2, "0");

/// A span in milliseconds: `8s`, `3m 07s`, `4h 12m`, `5d 3h`.
export function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 99) {
    return `${days}d`;
  }
  if (days > 0) {
    return `${days}d ${hours % 24}h`;
  }
  if (hours > 0) {
    return `${hours}h ${two(minutes % 60)}m`;
  }
  return minutes > 0 ? `${minutes}m ${two(seconds % 60)}s` : `${seconds}s`;
}

/// How long ago, in one unit: `8s ago`.
export function ago(ms) {
  return `${span(ms).split(" ")[0]} ago`;
}

/// A moment in milliseconds since 1970, whole, in local time.
export function moment(ms) {
  const at = new Date(ms);
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/// Bytes: `812 B`, `3.4 MiB`, `128 MiB`.
export function bytes(count) {
  let unit = 0;
  let value = count;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit > 0 && value < 100 ? value.toFixed(1) : Math.round(value)} ${UNITS[unit]}`;
}

/// Percent of one processor.
export function percent(value) {
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} %`;
}

/// A number with thin marks between thousands.
export function count(number) {
  return number.toLocaleString("en").replaceAll(",", "\u2009");
}

/// How a process ended, without the moment: `exit 1`, `SIGKILL`.
export function exit({ code, signal, core_dumped: core }) {
  if (signal !== null) {
    const name = /^\d/.test(signal) ? `signal ${signal}` : signal.startsWith("SIG") ? signal : `SIG${signal}`;
    return core ? `${name}, core file` : name;
  }
  return code === null ? "unknown end" : `exit ${code}`;
}

/// Words and tone of each state, in the order in which a person wants to hear of them.
export const STATES = {
  FATAL: { word: "Fatal", tone: "bad" },
  BACKOFF: { word: "Backoff", tone: "warn" },
  UNKNOWN: { word: "Unknown", tone: "bad" },
  STARTING: { word: "Starting", tone: "busy" },
  STOPPING: { word: "Stopping", tone: "busy" },
  RUNNING: { word: "Running", tone: "good" },
  EXITED: { word: "Exited", tone: "calm" },
  STOPPED: { word: "Stopped", tone: "calm" },
};

/// That of one; names of later versions show themselves.
export function stateOf(name) {
  return STATES[name] ?? { word: name, tone: "calm" };
}

/// What can be done with a process in a state.
export function actionsOf(state) {
  switch (state) {
    case "RUNNING":
      return ["restart", "stop"];
    case "STARTING":
    case "BACKOFF":
      return ["stop"];
    case "STOPPED":
    case "EXITED":
    case "FATAL":
      return ["start"];
    default:
      return [];
  }
}

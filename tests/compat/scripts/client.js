// What the package `supervisord` for Node.js can do, with the daemon that the first argument names; a line of JSON for
// each call.
//
// usage: node client.js URL

const supervisord = require('supervisord');

const client = supervisord.connect(process.argv[2]);

const calls = [
  ['listMethods'],
  ['methodHelp', 'supervisor.nothing'],
  ['getAPIVersion'],
  ['getSupervisorVersion'],
  ['getIdentification'],
  ['getState'],
  ['getProcessInfo', 'talker'],
  ['getProcessInfo', 'nobody'],
  ['readProcessStdoutLog', 'talker', 0, 6],
  ['tailProcessStdoutLog', 'talker', 0, 4],
  ['readProcessStderrLog', 'talker', 0, 6],
  ['tailProcessStderrLog', 'talker', 0, 6],
  ['stopProcess', 'talker'],
  ['startProcess', 'talker'],
  ['startProcess', 'talker'],
  ['startProcess', 'talker', 'one', 'too', 'many'],
  ['sendProcessStdin', 'talker', 'Größe <&>\n'],
  ['signalProcess', 'talker', 'CONT'],
  ['signalProcess', 'talker', 'NOSUCH'],
  ['stopProcessGroup', 'pair'],
  ['startProcessGroup', 'pair', true],
  ['signalProcessGroup', 'pair', 'CONT'],
  ['clearProcessLogs', 'talker'],
  ['clearAllProcessLogs'],
  ['sendRemoteCommEvent', 'kind', 'data'],
  ['multicall', [
    { methodName: 'supervisor.getState', params: [] },
    { methodName: 'supervisor.stopProcess', params: ['nobody'] },
  ]],
  ['reloadConfig'],
  ['removeProcessGroup', 'talker'],
  ['removeProcessGroup', 'late'],
  ['addProcessGroup', 'late'],
  ['addProcessGroup', 'late'],
  ['startProcess', 'late'],
  ['getAllProcessInfo'],
  ['stopAllProcesses'],
  ['startAllProcesses', true],
  ['clearLog'],
];

// Numbers that are never the same.
const PASSING = ['start', 'stop', 'now', 'pid', 'description'];
const lasting = (key, value) => (PASSING.includes(key) && value !== 0 && value !== '' ? '…' : value);

// Results that come in the order in which things were done; names of methods but for the daemon's own.
function settled(value) {
  if (!Array.isArray(value)) return value;
  if (value[0] && value[0].name) return value.sort((one, other) => (one.name < other.name ? -1 : 1));
  return value.filter((one) => !String(one).startsWith('provost.'));
}

function next(index) {
  if (index === calls.length) return;
  const [method, ...args] = calls[index];
  client[method](...args, (error, value) => {
    const told = error ? { fault: error.faultCode, text: error.faultString || String(error) } : settled(value);
    console.log(`${method}(${JSON.stringify(args)}) ${JSON.stringify(told, lasting)}`);
    next(index + 1);
  });
}

next(0);

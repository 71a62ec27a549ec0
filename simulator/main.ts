/**
 * The program `spectcl-simulator`: a simulated SpecTcl for trying and testing mirrorflow, which
 * `npm start` runs. Reads options, prints its ports, and runs until SIGTERM or SIGINT. Opens two
 * listening TCP ports (simulator.ts).
 */
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { describeError } from '../protocol/base/errors.js';
import { endWithBadUsage } from '../protocol/host/process-kit/usage.js';
import { GOOD_BEHAVIOUR, MIRROR_MISBEHAVIOURS, REST_MISBEHAVIOURS } from './misbehaviour.js';
import { type Simulator, startSimulator } from './simulator.js';

const MIB = 1024 * 1024;

const options = yargs(hideBin(process.argv))
  .scriptName('spectcl-simulator')
  .usage(
    '$0\n\nServes the mirror and REST protocols of SpecTcl 5.13 with invented events.\nA simulator: not SpecTcl, and without a detector.',
  )
  .option('flavour', {
    choices: ['spectcl', 'rustogramer'] as const,
    default: 'spectcl' as const,
    describe: 'program to simulate',
  })
  .option('host', { type: 'string', default: '127.0.0.1', describe: 'address to listen on' })
  .option('rest-port', { type: 'number', default: 0, describe: 'port of the REST service; 0: any free port' })
  .option('mirror-port', {
    type: 'number',
    default: 0,
    describe: 'port of the mirror service; 0: any free port',
  })
  .option('memory', { type: 'number', default: 8, describe: 'channel storage in MiB' })
  .option('spectra', { type: 'number', default: 0, describe: 'number of filler spectra, up to 9,999' })
  .option('fillers-only', {
    type: 'boolean',
    default: false,
    describe: 'define no spectra besides the fillers and the checksum',
  })
  .option('rate', { type: 'number', default: 100_000, describe: 'events per second' })
  .option('interval', { type: 'number', default: 100, describe: 'milliseconds between two steps of events' })
  .option('sparse', { type: 'number', describe: 'percentage of the 4 KiB blocks that a step changes' })
  .option('binding-churn', {
    type: 'number',
    describe: 'interval in seconds at which a spectrum is defined or removed',
  })
  .option('checksum', {
    type: 'boolean',
    default: true,
    describe: 'maintain a spectrum with checksums of the memory',
  })
  .option('seed', { type: 'number', default: 1, describe: 'seed of the random numbers' })
  .option('no-delay', {
    type: 'boolean',
    default: false,
    describe: 'set TCP_NODELAY on mirror connections, unlike SpecTcl',
  })
  .option('tear', {
    type: 'boolean',
    default: false,
    describe: 'let events change a reply while it is being sent, like SpecTcl',
  })
  .option('mirror-misbehaviour', {
    choices: MIRROR_MISBEHAVIOURS,
    default: 'none' as const,
    describe: 'fault of the mirror service',
  })
  .option('rest-misbehaviour', {
    choices: REST_MISBEHAVIOURS,
    default: 'none' as const,
    describe: 'fault of the REST service',
  })
  .option('slow-bytes', {
    type: 'number',
    default: GOOD_BEHAVIOUR.slowBytesPerSecond,
    describe: 'speed of the mirror misbehaviour "slow", bytes per second',
  })
  .option('end-with-stdin', {
    type: 'boolean',
    default: false,
    describe:
      'stop at the end of standard input, so that the simulator stops whenever its parent process ends',
  })
  .option('json', { type: 'boolean', default: false, describe: 'print the ports as one line of JSON' })
  // Otherwise yargs reads --no-delay as the negation of an option "delay".
  .parserConfiguration({ 'boolean-negation': false })
  .option('no-checksum', { type: 'boolean', default: false, describe: 'define no checksum spectrum' })
  .check((given) => {
    if (given._.length > 0) throw new Error(`unexpected argument: ${given._.join(' ')}`);
    for (const name of ['rest-port', 'mirror-port', 'spectra', 'rate', 'seed'] as const) {
      if (!(given[name] >= 0)) throw new Error(`--${name} takes a number from 0`);
    }
    for (const name of ['memory', 'interval', 'slow-bytes'] as const) {
      if (!(given[name] > 0)) throw new Error(`--${name} takes a number above 0`);
    }
    if (given.spectra > 9_999) throw new Error('--spectra takes at most 9999');
    return true;
  })
  .version(false)
  .strict()
  .fail((message: string | null, error: Error | undefined) =>
    endWithBadUsage('spectcl-simulator', message ?? error),
  )
  .parseSync();

function announce(simulator: Simulator): string {
  const { restPort, mirrorPort, address } = simulator;
  if (options.json) {
    return JSON.stringify({ ready: true, simulator: true, restPort, mirrorPort, address, pid: process.pid });
  }
  return `SpecTcl simulator (${options.flavour}): REST on port ${restPort}, mirror on port ${mirrorPort}\n${address}`;
}

function stop(simulator: Simulator): void {
  // Reading standard input keeps a process running.
  process.stdin.destroy();
  void simulator.close();
}

void serve();

async function serve(): Promise<void> {
  try {
    const simulator = await startSimulator({
      flavour: options.flavour,
      host: options.host,
      restPort: options.restPort,
      mirrorPort: options.mirrorPort,
      channelBytes: Math.floor(options.memory * MIB),
      fillers: options.spectra,
      ...(options.fillersOnly ? { spectra: [] } : {}),
      rate: options.rate,
      intervalMs: options.interval,
      ...(options.sparse === undefined ? {} : { sparsePercent: options.sparse }),
      ...(options.bindingChurn === undefined ? {} : { bindingChurnS: options.bindingChurn }),
      checksum: options.checksum && !options.noChecksum,
      seed: options.seed,
      noDelay: options.noDelay,
      tear: options.tear,
      misbehaviour: {
        mirror: options.mirrorMisbehaviour,
        rest: options.restMisbehaviour,
        slowBytesPerSecond: options.slowBytes,
      },
    });
    process.stdout.write(`${announce(simulator)}\n`);
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => stop(simulator));
    if (options.endWithStdin) {
      // The pipe of a killed parent ends; a closed terminal is an error.
      for (const event of ['end', 'error'] as const) process.stdin.once(event, () => stop(simulator));
      process.stdin.resume();
    }
  } catch (error) {
    process.stderr.write(`spectcl-simulator: ${describeError(error)}\n`);
    process.exitCode = 1;
  }
}

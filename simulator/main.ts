/**
 * The simulator as a program: options in, one line about the ports out, until SIGTERM or SIGINT.
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
    '$0\n\nServes the mirror and REST protocols of SpecTcl 5.13 with invented events.\nA simulator: it is no SpecTcl, and no detector stands behind it.',
  )
  .option('flavour', { choices: ['spectcl', 'rustogramer'] as const, default: 'spectcl' as const })
  .option('host', { type: 'string', default: '127.0.0.1', describe: 'address to listen on' })
  .option('rest-port', { type: 'number', default: 0, describe: '0: any free one' })
  .option('mirror-port', { type: 'number', default: 0, describe: '0: any free one' })
  .option('memory', { type: 'number', default: 8, describe: 'channel storage in MiB' })
  .option('spectra', { type: 'number', default: 0, describe: 'filler spectra, up to 9,000' })
  .option('rate', { type: 'number', default: 100_000, describe: 'events per second' })
  .option('interval', { type: 'number', default: 100, describe: 'milliseconds between steps' })
  .option('sparse', { type: 'number', describe: 'percent of the 4 KiB blocks that change in a step' })
  .option('binding-churn', { type: 'number', describe: 'seconds after which a spectrum comes or goes' })
  .option('checksum', { type: 'boolean', default: true, describe: 'a spectrum with checksums of the rest' })
  .option('seed', { type: 'number', default: 1, describe: 'of the random numbers' })
  .option('no-delay', {
    type: 'boolean',
    default: false,
    describe: 'set TCP_NODELAY, which SpecTcl does not',
  })
  .option('tear', { type: 'boolean', default: false, describe: 'let events change a reply being sent' })
  .option('mirror-misbehaviour', { choices: MIRROR_MISBEHAVIOURS, default: 'none' as const })
  .option('rest-misbehaviour', { choices: REST_MISBEHAVIOURS, default: 'none' as const })
  .option('slow-bytes', {
    type: 'number',
    default: GOOD_BEHAVIOUR.slowBytesPerSecond,
    describe: 'bytes per second of the mirror misbehaviour "slow"',
  })
  .option('end-with-stdin', {
    type: 'boolean',
    default: false,
    describe:
      'end when standard input ends: a parent that holds its other end takes the simulator along, however it dies',
  })
  .option('json', { type: 'boolean', default: false, describe: 'tell the ports as one line of JSON' })
  // Without it, yargs takes --no-delay for the negation of an option "delay".
  .parserConfiguration({ 'boolean-negation': false })
  .option('no-checksum', { type: 'boolean', default: false, describe: 'leave the checksum spectrum out' })
  .check((given) => {
    if (given._.length > 0) throw new Error(`unexpected argument: ${given._.join(' ')}`);
    for (const name of ['rest-port', 'mirror-port', 'spectra', 'rate', 'seed'] as const) {
      if (!(given[name] >= 0)) throw new Error(`--${name} takes a number from 0`);
    }
    for (const name of ['memory', 'interval', 'slow-bytes'] as const) {
      if (!(given[name] > 0)) throw new Error(`--${name} takes a number above 0`);
    }
    if (given.spectra > 9_000) throw new Error('--spectra takes at most 9000');
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

function end(simulator: Simulator): void {
  // Standard input that is read keeps a process alive.
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
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => end(simulator));
    if (options.endWithStdin) {
      // Both: the pipe of a killed parent ends, and a terminal that is gone is an error.
      for (const event of ['end', 'error'] as const) process.stdin.once(event, () => end(simulator));
      process.stdin.resume();
    }
  } catch (error) {
    process.stderr.write(`spectcl-simulator: ${describeError(error)}\n`);
    process.exitCode = 1;
  }
}

/**
 * The topics of `mirrorflow help TOPIC`: what several commands have in common.
 *
 * The command line prints them, and the man page `mirrorflow(1)` has a section for each. Pure.
 */
import { ENVIRONMENT } from './environment.js';

export interface Topic {
  readonly name: string;
  readonly summary: string;
  readonly paragraphs: readonly string[];
  readonly rows: readonly (readonly [term: string, meaning: string])[];
}

export const TOPICS: readonly Topic[] = [
  {
    name: 'addresses',
    summary: 'how sources and servers are addressed',
    paragraphs: ['An address is one word. Port 0 of an address to listen on is any free port.'],
    rows: [
      ['spectcl://HOST?rest=PORT&mirror=PORT', 'a SpecTcl: ports of its REST and mirror services'],
      ['spectcl://HOST?rest=NAME&user=USER', 'the same by the names at the port manager of that host'],
      ['tcp://HOST:PORT', 'a server of another host, in plain text; proofs of the shared secret'],
      ['tls://HOST:PORT', 'the same with TLS; needs a certificate'],
      ['unix:/PATH', 'a socket of this machine'],
    ],
  },
  {
    name: 'directories',
    summary: 'where sockets, logs and flow files are',
    paragraphs: [
      'A command looks for a host server in the runtime directories of this user and of the machine, in this order, unless --directory or MIRRORFLOW_DIR names one.',
    ],
    rows: [
      [
        '$XDG_RUNTIME_DIR/mirrorflow',
        'runtime directory of a user; without the variable /tmp/mirrorflow-UID',
      ],
      ['/run/mirrorflow', 'runtime directory of the machine'],
      ['/dev/shm/mirrorflow-UID', 'flow files; --flow-dir and MIRRORFLOW_FLOW_DIR name another directory'],
      ['logs/', 'in the runtime directory: a log for each server'],
    ],
  },
  {
    name: 'environment',
    summary: 'environment variables',
    paragraphs: ['Options win over the environment, which wins over the configuration file.'],
    rows: ENVIRONMENT.map(({ name, meaning }) => [name, meaning]),
  },
  {
    name: 'exit-codes',
    summary: 'exit codes, for scripts',
    paragraphs: ['With --json an error is one line of JSON on standard error, with its code.'],
    rows: [
      ['0', 'success'],
      ['1', 'the operation failed'],
      ['2', 'bad usage: unknown command or option, or a value out of range'],
      ['3', 'no host server runs, or the application is not running'],
      ['4', 'unknown application, flow or spectrum'],
      ['5', 'timed out'],
      ['6', 'verify: a repair would make the flow file valid'],
      ['7', 'verify, repair: the flow file has to be replaced'],
      ['130', 'interrupted before it was done'],
    ],
  },
  {
    name: 'values',
    summary: 'how times, sizes and ranges are written',
    paragraphs: ['Options with plain milliseconds state it in their help.'],
    rows: [
      ['500ms 5s 30min 8h 7d', 'a time'],
      ['65536 64KiB 64MiB 1.5GiB', 'a size; kB, MB and GB are powers of 1,000'],
      ['2027-03-01T12:00:00Z', 'a moment; local time without the Z'],
      ['1100-1400', 'a range of channels, LOW-HIGH, in units of the axis'],
      ['7400-7499', 'a range of ports, LOW-HIGH'],
    ],
  },
];

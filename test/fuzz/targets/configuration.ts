/**
 * Fuzz targets for texts that users write: the configuration file and addresses. Run by the fuzzer
 * (see all.ts). Pure.
 */
import assert from 'node:assert/strict';
import { parseConfiguration } from '../../../host-server/boot/configuration.js';
import { formatAddress, parseAddress } from '../../../protocol/base/address.js';
import type { FuzzTarget } from '../fuzzer.js';

/** Addresses of a SpecTcl, right and wrong ones. */
const SOURCES = ['spectcl://h?rest=8000&mirror=8001', 'spectcl://[::1]?rest=A&mirror=B&user=u', 'x', ''];

export const configuration: FuzzTarget = {
  name: 'configuration',
  dictionary: [
    '"listen":', '"applications":', '"name":', '"source":', '"directory":', '"__proto__":', '"programs":', '"command":', '{', '}', '[', ']', ',', '"', '\\u0000',
    '1e999', '-1', 'null', '"../.."', '"tcp://127.0.0.1:7390"',
  ], // prettier-ignore
  generate: (random) =>
    Buffer.from(
      JSON.stringify({
        ...(random() % 2 === 0 ? { listen: 'tcp://127.0.0.1:0' } : {}),
        ...(random() % 4 === 0 ? { directory: '/tmp/x', flowDirectory: 'relative' } : {}),
        applications: Array.from({ length: random() % 3 }, (_, at) => ({
          name: `e${at % 2}`,
          source: SOURCES[random() % SOURCES.length],
          port: random() % 70_000,
          programs: { p: { command: '/bin/true', args: ['a'] } },
        })),
      }),
    ),
  run: (input) => {
    const result = parseConfiguration(input.toString());
    if (result.kind === 'problems') assert(result.problems.length > 0);
  },
};

export const addresses: FuzzTarget = {
  name: 'addresses',
  dictionary: [
    'tcp://',
    'tls://',
    'unix:',
    'spectcl://',
    '?rest=',
    '&mirror=',
    '&user=',
    '%00',
    '%',
    '[::1]',
    ':',
    '65536',
    '@',
    '..',
    '\0',
  ],
  generate: (random) => {
    const host = ['localhost', '[::1]', '127.0.0.1', 'a.b.c', '[fe80::1]'][random() % 5] ?? '';
    const port = random() % 65_536;
    return Buffer.from(
      [
        `tcp://${host}:${port}`,
        `tls://${host}:${port}`,
        `unix:/run/x${port}`,
        `spectcl://${host}?rest=${port}&mirror=m${port}&user=u`,
      ][random() % 4] ?? '',
    );
  },
  run: (input) => {
    const address = parseAddress(input.toString(), { listening: input.length % 2 === 0 });
    assert.deepEqual(parseAddress(formatAddress(address), { listening: true }), address);
  },
};

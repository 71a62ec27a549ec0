/** The JSON schema of the configuration file accepts and refuses what the host server does. */
import { readFileSync } from 'node:fs';
import { expect } from 'chai';
import * as fc from 'fast-check';
import { parseConfiguration } from '../../../host-server/boot/configuration.js';
import { CONFIGURATION_KEYS } from '../../../host-server/boot/configuration-keys.js';
import { configurationSchema } from '../../../host-server/boot/configuration-schema.js';
import { addressPattern } from '../../../protocol/base/address-pattern.js';
import { parseAddress, type AddressScheme } from '../../../protocol/base/address.js';
import { accepts } from '../../kit/json-schema.js';

const RUNS = 3_000;
const SCHEMA = configurationSchema();

function isAccepted(content: unknown): boolean {
  return parseConfiguration(JSON.stringify(content)).kind === 'configuration';
}

/** The pattern does not count the bytes of socket paths beyond ASCII. */
function isAscii(text: string): boolean {
  return Buffer.byteLength(text) === text.length;
}

/** Texts that are right, nearly right and wrong: pieces of right ones, joined, cut and doubled. */
function texts(...pieces: string[]): fc.Arbitrary<string> {
  const piece = fc.constantFrom(...pieces);
  const joined = fc.array(piece, { maxLength: 7 }).map((parts) => parts.join(''));
  return fc.oneof(piece, joined, fc.string({ maxLength: 8 }));
}

const ADDRESSES = fc.oneof(
  fc
    .tuple(
      fc.constantFrom('tcp://', 'tls://', 'spectcl://', 'tcp:/', 'unix:', 'http://', ''),
      texts(
        'localhost', '127.0.0.1', '1.2.3', '256.1.1.1', '[::1]', '[fe80::1%eth0]', '[1:2:3:4:5:6:7:8]', '[1::2::3]',
        '[::ffff:1.2.3.4]', '[:::]', '::1', 'a.b.', '-a', 'a-', '_x', 'a'.repeat(253), 'a'.repeat(254), '/run/x', '/', '',
      ), // prettier-ignore
      texts(':0', ':00', ':1', ':65535', ':65536', ':000001', ':99999', ':', '', '?'),
      texts(
        '?rest=8000', '&mirror=8001', '&user=a%20b', '&user=a%7Eb%3d', '&user=', '?rest=SpecTcl_REST', '&rest=1', 'rest=',
        '?mirror=%38', '?rest=0', '?rest=65536', '?user=\u00e9', '?', '&', '', 'x'.repeat(65),
      ), // prettier-ignore
    )
    .map((parts) => parts.join('')),
  fc.constantFrom(
    'tcp://h:0',
    'tcp://[::1]:65535',
    'tls://a.b:1',
    'spectcl://h',
    'spectcl://h?rest=A&user=u',
    'unix:/x',
  ),
  fc.string(),
);

const NAME = texts('a', 'e23001', '.', '-', '_', ' ', '\u00e9', 'a'.repeat(64), '');
const PATH = texts('/', 'a', '..', '/dev/shm', '\0', '\u00e9');
const NUMBER = fc.oneof(
  fc.constantFrom(
    0,
    1,
    -1,
    0.5,
    2,
    100,
    101,
    65_535,
    65_536,
    86_400_000,
    86_400_001,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 53,
  ),
  fc.double({ noDefaultInfinity: true, noNaN: true }),
  fc.integer(),
);
const ACCOUNT = texts('root', '@root', '@', '0', 'root '); // Those that are well formed exist.

/** Members that may be absent or of any other type. */
function struct(members: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<unknown> {
  const mixed = Object.entries(members).map(([key, value]) => {
    return [
      key,
      fc.oneof({ weight: 12, arbitrary: value }, { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 1 }) }),
    ] as const;
  });
  const record = fc.record(Object.fromEntries(mixed), { requiredKeys: [] });
  const unknown = fc
    .tuple(record, fc.jsonValue({ maxDepth: 0 }))
    .map(([value, other]) => Object.assign({ colour: other }, value));
  return fc.oneof({ weight: 12, arbitrary: record }, { weight: 1, arbitrary: unknown });
}

const some = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => fc.array(item, { maxLength: 2 });

const APPLICATION = struct({
  source: ADDRESSES.filter(isAscii),
  via: NAME,
  port: NUMBER,
  updateIntervalMs: NUMBER,
  sourceSharePercent: NUMBER,
  lingerMs: NUMBER,
  ringBytes: NUMBER,
  withoutHostMs: NUMBER,
  stallTimeoutMs: NUMBER,
  programs: fc.dictionary(NAME, struct({ command: PATH, args: some(PATH) }), { maxKeys: 2 }),
  access: struct({ mode: texts('group', 'everyone', 'x'), readers: some(ACCOUNT), control: some(ACCOUNT) }),
  gateway: struct({
    restPort: NUMBER,
    mirrorPort: NUMBER,
    names: some(NAME),
    tls: fc.boolean(),
    sharedMemoryKey: texts('XA01', '\x20', 'XA', '\u00e9'),
    sharedMemoryMode: texts('0600', '600', '8'),
    advertise: NAME,
  }),
}).chain((members) =>
  NAME.map((name) => (typeof members === 'object' && members !== null ? { name, ...members } : members)),
);

const KEYS: Record<string, fc.Arbitrary<unknown>> = {
  $schema: fc.string(),
  listen: ADDRESSES,
  hostName: NAME,
  peers: fc.oneof(some(ADDRESSES), fc.constant(Array.from({ length: 65 }, () => 'tcp://a:1'))),
  discover: fc.boolean(),
  // A range in the wrong order is one of the things that the schema cannot state.
  dataPorts: texts('7400', '-7499', '0', '65536', '99999', '000001', '-').filter(
    (text) => !/\d-\d/.test(text),
  ),
  integrity: fc.constantFrom('on', 'off', 'none'),
  secretFile: PATH,
  tlsCert: PATH,
  tlsKey: PATH,
  tlsCa: PATH,
  directory: PATH,
  flowDirectory: PATH,
  web: fc.oneof(ADDRESSES, fc.constant('off')),
  alarms: struct({
    webhook: struct({ url: texts('http://h', 'https://h/a?b', 'ftp://h', 'http://u@h'), tokenFile: PATH }),
    command: struct({ program: PATH, arguments: some(PATH) }),
    timeoutMs: NUMBER,
  }),
  nats: struct({
    address: texts(
      'nats://h:4222/p',
      'nats://[::1]:1/e23001',
      'nats://h/p',
      'tcp://h:1/p',
      'nats://h:1/',
      '/p',
    ),
    site: NAME,
    domain: NAME,
    credentialsFile: PATH,
    tls: fc.boolean(),
    publish: some(
      struct({ app: NAME, flows: some(NAME), wan: texts('stored', 'lossy'), storeBytes: NUMBER }),
    ),
    allowStart: some(NAME),
    siteKeys: fc.dictionary(NAME, texts('A'.repeat(43), '='), { maxKeys: 2 }),
  }),
  applications: fc.array(APPLICATION, { maxLength: 1 }),
};

describe('the JSON schema of the configuration file', () => {
  for (const [key, values] of Object.entries(KEYS)) {
    it(`the schema accepts and refuses the same values of ${key} as the host server`, () => {
      const value = fc.oneof({ weight: 12, arbitrary: values }, { weight: 1, arbitrary: fc.jsonValue() });
      fc.assert(
        fc.property(value, (given) => {
          const content = JSON.parse(JSON.stringify({ [key]: given })) as unknown;
          expect(accepts(SCHEMA, content)).to.equal(isAccepted(content));
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('the schema accepts and refuses the same files as the host server', () => {
    fc.assert(
      fc.property(struct(KEYS), (given) => {
        const content = JSON.parse(JSON.stringify(given)) as unknown;
        expect(accepts(SCHEMA, content)).to.equal(isAccepted(content));
      }),
      { numRuns: RUNS },
    );
  });

  it('right values of every kind are accepted by both', () => {
    const content = {
      listen: 'tls://[::1]:0',
      dataPorts: '7400-7499',
      applications: [
        {
          name: 'a',
          source: 'spectcl://h?mirror=M&user=a%21b&rest=1',
          access: { readers: ['root', '@root'] },
        },
        { name: 'b', source: 'unix:/run/x', programs: { p: { command: '/bin/ls' } } },
        { name: 'c', gateway: { restPort: 0, mirrorPort: 0, sharedMemoryMode: '0660' } },
      ],
    };
    expect(accepts(SCHEMA, content)).to.equal(true);
    expect(isAccepted(content)).to.equal(true);
  });

  it('the three things that it cannot state are refused by the host server', () => {
    for (const content of [
      { dataPorts: '9-8' },
      { applications: [{ name: 'a' }, { name: 'a' }] },
      { applications: [{ name: 'a', access: { readers: ['no-such-user'] } }] },
    ]) {
      expect(accepts(SCHEMA, content)).to.equal(true);
      expect(isAccepted(content)).to.equal(false);
    }
  });

  it('every key of the file has a meaning and a schema', () => {
    for (const [key, { doc, json }] of Object.entries(CONFIGURATION_KEYS)) {
      expect(doc, key).to.not.equal('');
      expect(Object.keys(json), key).to.not.be.empty;
    }
  });

  it('the published schema is made from the code', () => {
    const published = readFileSync(new URL('../../../../docs/host.schema.json', import.meta.url), 'utf8');
    expect(JSON.parse(published)).to.deep.equal(SCHEMA);
  });
});

describe('the patterns of addresses', () => {
  it('a pattern matches the addresses that are accepted, and no others', () => {
    const allSchemes: AddressScheme[] = ['tcp', 'tls', 'unix', 'spectcl'];
    for (const [schemes, listening] of [
      [allSchemes, false],
      [['tcp'], true],
    ] as const) {
      const pattern = new RegExp(addressPattern(schemes, { listening }), 'u');
      const isAddress = (text: string): boolean => {
        try {
          return Boolean(parseAddress(text, { schemes, listening }));
        } catch {
          return false;
        }
      };
      let accepted = 0;
      const ascii = ADDRESSES.filter(isAscii);
      fc.assert(
        fc.property(ascii, (text) => {
          expect(pattern.test(text)).to.equal(isAddress(text));
          if (isAddress(text)) accepted++;
        }),
        { numRuns: RUNS },
      );
      expect(accepted, 'addresses that are right').to.be.greaterThan(20);
    }
  });
});

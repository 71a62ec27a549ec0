/**
 * Reads the text of the host server's configuration file: strict JSON. The whole file is checked,
 * so that one error message lists every problem. Called by `options.ts`. Pure: text in,
 * configuration or problems out.
 */
import { checkAccess } from '../../protocol/host/access/access.js';
import { applicationOptions, type ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { checkPrograms } from '../../protocol/rpc/contract/programs.js';
import { describeError, isMirrorflowError } from '../../protocol/base/errors.js';
import { checkName } from '../../protocol/base/names.js';
import { parsePortRange, type PortRange } from '../../protocol/base/port-range.js';
import { checkNatsOptions, type StatedNatsOptions } from '../../protocol/nats/options.js';
import { describeValue, isStruct } from '../../protocol/rpc/xml-rpc/values.js';
import { parseListen, type ListenAddress } from '../control/listen-address.js';
import { checkSource } from '../applications/application-options.js';
import { parsePeer, PEER_ADDRESSES_MAX, type PeerAddress } from '../peers/peer-address.js';

/**
 * | key | type | meaning |
 * | --- | --- | --- |
 * | `listen` | string | address of XML-RPC over HTTP, `tcp://127.0.0.1:7390`; port 0 is any free one |
 * | `hostName` | string | name of this host on its network; default: that of the machine |
 * | `peers` | array | addresses of other host servers, `tcp://host:7390` or `tls://host:7390` |
 * | `discover` | boolean | discover other hosts on the local network, and announce this one (DNS-SD) |
 * | `dataPorts` | string | `LOW-HIGH`: ports for data to other hosts; default: any free one |
 * | `integrity` | string | `off`: data links without TLS carry no MAC where both hosts say so; default `on` |
 * | `secretFile`, `tlsCert`, `tlsKey`, `tlsCa` | string | files, as the options of these names |
 * | `directory` | string | runtime directory, an absolute path |
 * | `flowDirectory` | string | directory of the flow files, an absolute path |
 * | `nats` | object | how this host takes part in a collaboration over NATS: see protocol/nats/options.ts |
 * | `applications` | array | applications to start with the host server; each has the members of host.run |
 */
export interface Configuration {
  readonly listen?: ListenAddress;
  readonly hostName?: string;
  readonly peers?: readonly PeerAddress[];
  readonly discover?: boolean;
  readonly dataPorts?: PortRange;
  readonly integrity?: 'on' | 'off';
  readonly secretFile?: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly tlsCa?: string;
  readonly directory?: string;
  readonly flowDirectory?: string;
  readonly nats?: StatedNatsOptions;
  readonly applications: readonly ApplicationOptions[];
}

/** One problem of the file. */
export interface ConfigurationProblem {
  /** `applications[1].port`; empty for the file as a whole. */
  readonly key: string;
  /** The value and what is allowed. */
  readonly message: string;
}

export type ConfigurationResult =
  | { readonly kind: 'configuration'; readonly configuration: Configuration }
  | { readonly kind: 'problems'; readonly problems: readonly ConfigurationProblem[] };

const FILES = ['secretFile', 'tlsCert', 'tlsKey', 'tlsCa'] as const;
const KEYS = [
  'listen',
  'hostName',
  'peers',
  'discover',
  'dataPorts',
  'integrity',
  ...FILES,
  'directory',
  'flowDirectory',
  'nats',
  'applications',
] as const;
const APPLICATIONS_MAX = 1024;

export function parseConfiguration(text: string): ConfigurationResult {
  const problems: ConfigurationProblem[] = [];
  const refuse = (key: string, message: string): void => void problems.push({ key, message });
  const root = readJson(text, refuse);
  if (root === undefined) return { kind: 'problems', problems };
  for (const key of Object.keys(root)) {
    if (!KEYS.some((known) => known === key)) {
      refuse(key.slice(0, 80), `is not known; the keys are ${KEYS.join(', ')}`);
    }
  }
  const listen = member(root, 'listen', refuse, readListen);
  const hostName = member(root, 'hostName', refuse, readHostName);
  const peers = member(root, 'peers', refuse, readPeers);
  const discover = member(root, 'discover', refuse, readFlag);
  const dataPorts = member(root, 'dataPorts', refuse, readPortRange);
  const integrity = member(root, 'integrity', refuse, readIntegrity);
  const files = Object.fromEntries(
    FILES.flatMap((key) => {
      const file = member(root, key, refuse, readPath);
      return file === undefined ? [] : [[key, file]];
    }),
  );
  const directory = member(root, 'directory', refuse, readPath);
  const flowDirectory = member(root, 'flowDirectory', refuse, readPath);
  const nats = member(root, 'nats', refuse, readNats);
  const applications = member(root, 'applications', refuse, readApplications) ?? [];
  if (problems.length > 0) return { kind: 'problems', problems };
  return {
    kind: 'configuration',
    configuration: {
      applications,
      ...files,
      ...(listen !== undefined && { listen }),
      ...(hostName !== undefined && { hostName }),
      ...(peers !== undefined && { peers }),
      ...(discover !== undefined && { discover }),
      ...(dataPorts !== undefined && { dataPorts }),
      ...(integrity !== undefined && { integrity }),
      ...(directory !== undefined && { directory }),
      ...(flowDirectory !== undefined && { flowDirectory }),
      ...(nats !== undefined && { nats }),
    },
  };
}

type Refuse = (key: string, message: string) => void;
type Root = { readonly [key: string]: unknown };

function readJson(text: string, refuse: Refuse): Root | undefined {
  let root: unknown;
  try {
    // Some editors put a byte order mark in front, which JSON does not allow.
    root = JSON.parse(text.startsWith('\u{FEFF}') ? text.slice(1) : text);
  } catch (thrown) {
    refuse('', `is not JSON: ${describeError(thrown)}; comments and trailing commas are not allowed`);
    return undefined;
  }
  if (isStruct(root)) return root;
  refuse('', `must be an object with the keys ${KEYS.join(', ')}, and is ${describeValue(root)}`);
  return undefined;
}

function member<T>(
  root: Root,
  key: (typeof KEYS)[number],
  refuse: Refuse,
  read: (value: unknown, key: string, refuse: Refuse) => T | undefined,
): T | undefined {
  return Object.hasOwn(root, key) ? read(root[key], key, refuse) : undefined;
}

function readListen(value: unknown, key: string, refuse: Refuse): ListenAddress | undefined {
  return attempt(key, refuse, () => parseListen(value));
}

function readHostName(value: unknown, key: string, refuse: Refuse): string | undefined {
  return attempt(key, refuse, () => checkName('host', value));
}

function readPeers(value: unknown, key: string, refuse: Refuse): PeerAddress[] | undefined {
  if (!Array.isArray(value) || value.length > PEER_ADDRESSES_MAX) {
    refuse(
      key,
      `must be an array of at most ${PEER_ADDRESSES_MAX} addresses, and is ${describeValue(value)}`,
    );
    return undefined;
  }
  return value.flatMap((entry: unknown, index) => {
    return attempt(`${key}[${index}]`, refuse, () => parsePeer(entry)) ?? [];
  });
}

function readFlag(value: unknown, key: string, refuse: Refuse): boolean | undefined {
  if (typeof value === 'boolean') return value;
  refuse(key, `must be true or false, and is ${describeValue(value)}`);
  return undefined;
}

function readIntegrity(value: unknown, key: string, refuse: Refuse): 'on' | 'off' | undefined {
  if (value === 'on' || value === 'off') return value;
  refuse(key, `must be "on" or "off", and is ${describeValue(value)}`);
  return undefined;
}

function readPortRange(value: unknown, key: string, refuse: Refuse): PortRange | undefined {
  return attempt(key, refuse, () => parsePortRange(key, value));
}

function readPath(value: unknown, key: string, refuse: Refuse): string | undefined {
  if (typeof value === 'string' && value.startsWith('/') && !value.includes('\0')) return value;
  refuse(key, `must be an absolute path, and is ${describeValue(value)}`);
  return undefined;
}

function readNats(value: unknown, key: string, refuse: Refuse): StatedNatsOptions | undefined {
  return attempt(key, refuse, () => checkNatsOptions(value, key, CONFIGURATION_PLACE));
}

function readApplications(value: unknown, key: string, refuse: Refuse): ApplicationOptions[] | undefined {
  if (!Array.isArray(value) || value.length > APPLICATIONS_MAX) {
    refuse(
      key,
      `must be an array of at most ${APPLICATIONS_MAX} applications, and is ${describeValue(value)}`,
    );
    return undefined;
  }
  const names = new Map<string, number>();
  return value.flatMap((entry: unknown, index) => {
    const place = `${key}[${index}]`;
    const application = attempt(place, refuse, () => checkApplication(entry, place));
    if (application === undefined) return [];
    const earlier = names.get(application.name);
    if (earlier !== undefined) {
      refuse(`${place}.name`, `is "${application.name}" as in ${key}[${earlier}]; each name may stand once`);
    }
    names.set(application.name, index);
    return [application];
  });
}

function checkApplication(entry: unknown, place: string): ApplicationOptions {
  const options = applicationOptions.check(entry, {
    method: CONFIGURATION_PLACE,
    root: place,
    path: [],
    unknownMembers: 'refuse',
  });
  checkSource(options);
  if (options.programs !== undefined) checkPrograms(options.programs);
  if (options.access !== undefined) checkAccess(options.access);
  return options;
}

/** In place of a method's name in the messages of the schemas, from which `attempt` removes it. */
const CONFIGURATION_PLACE = 'configuration';

/** The value of `read`; undefined when it throws, with its error as a problem at `key`. */
function attempt<T>(key: string, refuse: Refuse, read: () => T): T | undefined {
  try {
    return read();
  } catch (thrown) {
    if (!isMirrorflowError(thrown)) throw thrown;
    const text = thrown.message;
    const from = `${CONFIGURATION_PLACE}: ${key}`;
    // A schema's message begins with the place of the bad value, which may be a member of the value
    // at `key`.
    const [, inner = '', message = text] = text.startsWith(from)
      ? (/^(\S*) (.*)$/s.exec(text.slice(from.length)) ?? [])
      : [];
    refuse(`${key}${inner}`, message);
    return undefined;
  }
}

/**
 * Readers of the values of the configuration file: each returns the value in the form that the host
 * server uses, or reports what is wrong with it. The table in `configuration-keys.ts` names them.
 * Pure, except that accounts are looked up.
 */
import { checkAccess } from '../../protocol/host/access/access.js';
import { applicationOptions, type ApplicationOptions } from '../../protocol/rpc/contract/shapes.js';
import { checkNatsOptions, type StatedNatsOptions } from '../../protocol/nats/options.js';
import { checkPrograms } from '../../protocol/rpc/contract/programs.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { formatAddress } from '../../protocol/base/address.js';
import { checkName } from '../../protocol/base/names.js';
import { parsePortRange, type PortRange } from '../../protocol/base/port-range.js';
import { describeValue } from '../../protocol/rpc/xml-rpc/values.js';
import { parseListen, type ListenAddress } from '../control/listen-address.js';
import { checkSettings } from '../applications/application-options.js';
import { parsePeer, PEER_ADDRESSES_MAX, type PeerAddress } from '../peers/peer-address.js';

/** Gets the key of a problem, and the value with what is allowed. */
export type Refuse = (key: string, message: string) => void;

export const APPLICATIONS_MAX = 1024;

export function readListen(value: unknown, key: string, refuse: Refuse): ListenAddress | undefined {
  return attempt(key, refuse, () => parseListen(value));
}

export function readHostName(value: unknown, key: string, refuse: Refuse): string | undefined {
  return attempt(key, refuse, () => checkName('host', value));
}

export function readPeers(value: unknown, key: string, refuse: Refuse): PeerAddress[] | undefined {
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

export function readNats(value: unknown, key: string, refuse: Refuse): StatedNatsOptions | undefined {
  return attempt(key, refuse, () => checkNatsOptions(value, key, CONFIGURATION_PLACE));
}

/** The address of the web viewer, or `off`. */
export function readWeb(value: unknown, key: string, refuse: Refuse): string | undefined {
  if (value === 'off') return value;
  return attempt(key, refuse, () => formatAddress(parseListen(value)));
}

export function readSchemaName(value: unknown, key: string, refuse: Refuse): string | undefined {
  if (typeof value === 'string') return value;
  refuse(key, `must be the address of a JSON schema, and is ${describeValue(value)}`);
  return undefined;
}

export function readFlag(value: unknown, key: string, refuse: Refuse): boolean | undefined {
  if (typeof value === 'boolean') return value;
  refuse(key, `must be true or false, and is ${describeValue(value)}`);
  return undefined;
}

export function readIntegrity(value: unknown, key: string, refuse: Refuse): 'on' | 'off' | undefined {
  if (value === 'on' || value === 'off') return value;
  refuse(key, `must be "on" or "off", and is ${describeValue(value)}`);
  return undefined;
}

export function readPortRange(value: unknown, key: string, refuse: Refuse): PortRange | undefined {
  return attempt(key, refuse, () => parsePortRange(key, value));
}

export function readPath(value: unknown, key: string, refuse: Refuse): string | undefined {
  if (typeof value === 'string' && value.startsWith('/') && !value.includes('\0')) return value;
  refuse(key, `must be an absolute path, and is ${describeValue(value)}`);
  return undefined;
}

export function readApplications(
  value: unknown,
  key: string,
  refuse: Refuse,
): ApplicationOptions[] | undefined {
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
  checkSettings(options);
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
    // Other messages may begin with the key, which is stated once.
    refuse(`${key}${inner}`, message.startsWith(`${key} `) ? message.slice(key.length + 1) : message);
    return undefined;
  }
}

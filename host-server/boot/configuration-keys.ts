/**
 * The keys of the host server's configuration file, in one table: a new key is a row here, and its
 * reader. The checker (`configuration.ts`), the JSON schema for editors and the page of options are
 * made from it. Data only.
 */
import { addressPattern } from '../../protocol/base/address-pattern.js';
import { ALARM_ACTIONS_JSON, readAlarmActions } from '../../protocol/host/alarm-actions.js';
import { NATS_JSON } from '../../protocol/nats/options.js';
import { applicationOptions } from '../../protocol/rpc/contract/shapes.js';
import type { JsonSchema } from '../../protocol/rpc/xml-rpc/json-schema.js';
import { NAME_JSON } from '../../protocol/rpc/xml-rpc/schema.js';
import { PEER_ADDRESSES_MAX } from '../peers/peer-address.js';
import {
  APPLICATIONS_MAX,
  readApplications,
  readFlag,
  readHostName,
  readIntegrity,
  readListen,
  readNats,
  readPath,
  readPeers,
  readPortRange,
  readSchemaName,
  readWeb,
  type Refuse,
} from './configuration-readers.js';

export interface ConfigurationKey<T> {
  /** The meaning, with the default. */
  readonly doc: string;
  /** What the reader accepts, as far as JSON Schema can state it. */
  readonly json: JsonSchema;
  /** Undefined, after at least one call of `refuse`, for a value that is not valid. */
  readonly read: (value: unknown, key: string, refuse: Refuse) => T | undefined;
}

function key<T>(doc: string, json: JsonSchema, read: ConfigurationKey<T>['read']): ConfigurationKey<T> {
  return { doc, json, read };
}

const ABSOLUTE_PATH: JsonSchema = { type: 'string', pattern: '^/[^\\u0000]*$' };
const PORT = String.raw`0*(?!0)(?:[0-5]?\d{1,4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])`;

export const CONFIGURATION_KEYS = {
  $schema: key('the JSON schema, for editors; not used', { type: 'string' }, readSchemaName),
  listen: key(
    'address of XML-RPC over HTTP, tcp://127.0.0.1:7390; port 0 is any free one',
    { type: 'string', maxLength: 1024, pattern: addressPattern(['tcp', 'tls'], { listening: true }) },
    readListen,
  ),
  hostName: key('name of this host on its network; default: that of the machine', NAME_JSON, readHostName),
  peers: key(
    'addresses of other host servers, tcp://host:7390 or tls://host:7390',
    {
      type: 'array',
      maxItems: PEER_ADDRESSES_MAX,
      items: { type: 'string', maxLength: 1024, pattern: addressPattern(['tcp', 'tls']) },
    },
    readPeers,
  ),
  discover: key(
    'discover other hosts on the local network, and announce this one (DNS-SD); default false',
    { type: 'boolean' },
    readFlag,
  ),
  dataPorts: key(
    'LOW-HIGH: ports for data to other hosts; default: any free one',
    { type: 'string', pattern: `^(?=\\d{1,5}(?:-\\d{1,5})?$)${PORT}(?:-${PORT})?$` },
    readPortRange,
  ),
  integrity: key(
    'off: data links without TLS carry no MAC where both hosts say so; default on',
    { enum: ['on', 'off'] },
    readIntegrity,
  ),
  secretFile: key('file with the shared secret of the hosts', ABSOLUTE_PATH, readPath),
  tlsCert: key('file with the certificate of this host, PEM', ABSOLUTE_PATH, readPath),
  tlsKey: key('file with the private key of the certificate, PEM', ABSOLUTE_PATH, readPath),
  tlsCa: key('file with the certificates of the authorities, PEM', ABSOLUTE_PATH, readPath),
  directory: key('runtime directory, an absolute path', ABSOLUTE_PATH, readPath),
  flowDirectory: key('directory of the flow files, an absolute path', ABSOLUTE_PATH, readPath),
  web: key(
    'address of the web viewer, tcp://127.0.0.1:7391, or off; default: the port after that of listen',
    {
      type: 'string',
      maxLength: 1024,
      pattern: `^off$|${addressPattern(['tcp', 'tls'], { listening: true })}`,
    },
    readWeb,
  ),
  alarms: key(
    'what alarms of the web viewer do beside the page: a webhook, a command, or both',
    ALARM_ACTIONS_JSON,
    readAlarmActions,
  ),
  nats: key('how this host takes part in a collaboration over NATS', NATS_JSON, readNats),
  applications: key(
    'applications to start with the host server; each has the members of host.run',
    { type: 'array', maxItems: APPLICATIONS_MAX, items: applicationOptions.json },
    readApplications,
  ),
} as const;

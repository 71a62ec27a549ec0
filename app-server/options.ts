/** The app server's command line and environment, checked before anything is touched. */
import { parseAccess } from '../protocol/rpc/contract/access-options.js';
import { formatAddress, parseAddress } from '../protocol/base/address.js';
import { parsePrograms } from '../protocol/rpc/contract/programs.js';
import {
  gatewayOptions,
  type ApplicationOptions,
  type GatewayOptions,
} from '../protocol/rpc/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { describeError, MirrorflowError } from '../protocol/base/errors.js';
import { LIMITS } from '../protocol/base/limits.js';
import { checkName } from '../protocol/base/names.js';
import { helpOfTable, readOptionTable, type OptionTable } from '../protocol/host/process-kit/option-table.js';
import { parsePortRange, type PortRange } from '../protocol/base/port-range.js';
import { checkListening } from '../protocol/rpc/security/listening.js';
import { readSecurity, securityFiles, type Security } from '../protocol/rpc/security/options.js';

const PORT_MAX = 65_535;
const UPDATE_INTERVAL_MAX_MS = 3_600_000;
const DAY_MS = 86_400_000;

const TABLE = {
  name: { value: 'NAME', help: 'application that is served' },
  source: { value: 'ADDRESS', help: 'its SpecTcl, spectcl://HOST?rest=PORT&mirror=PORT' },
  via: { value: 'HOST', help: 'host that its mirror comes from, in place of --source' },
  port: { value: 'PORT', help: 'port of XML-RPC over HTTP; 0 is any free one (0)' },
  'update-interval': { value: 'MS', help: 'from update to update of its mirror' },
  'ring-bytes': { value: 'N', help: "memory budget of its mirror's ring, bytes" },
  linger: { value: 'MS', help: 'how long a duplicator stays without a client' },
  'stall-timeout': { value: 'MS', help: 'a lossless consumer that holds a flow back for so long becomes lossy; 0 is never' },
  gateway: { value: 'JSON', help: "SpecTcl's services for it, as host.run's member gateway" },
  programs: { value: 'JSON', help: 'programs that clients may ask for, as in the configuration' },
  access: { value: 'JSON', help: 'who may read and provide: mode, group, readers, providers' },
  'data-listen': { value: 'ADDRESS', help: 'where data for other hosts are served, tcp://HOST:PORT or tls://HOST:PORT; needs a secret' },
  'data-ports': { value: 'LOW-HIGH', help: 'ports that data for other hosts are served on; any free ones when left out' },
  'secret-file': { value: 'FILE', help: 'the secret that this host shares with others' },
  'tls-cert': { value: 'FILE', help: 'certificate that this host shows over TLS' },
  'tls-key': { value: 'FILE', help: 'its key' },
  'tls-ca': { value: 'FILE', help: 'certificates that other hosts are trusted by' },
  directory: { value: 'DIR', help: 'runtime directory' },
  'flow-dir': { value: 'DIR', help: 'where flow files are kept' },
} as const satisfies OptionTable; // prettier-ignore

/** Address on which duplicators serve data for other hosts. */
export interface DataListen {
  readonly scheme: 'tcp' | 'tls';
  readonly host: string;
  /** Undefined: any free port. */
  readonly ports: PortRange | undefined;
}

export interface AppServerOptions {
  /** Runtime directory: sockets, records, logs. */
  readonly directory: string;
  readonly flowDirectory: string;
  /** What the application is; as host.run takes it. A port of 0 is any free one. */
  readonly application: ApplicationOptions;
  readonly security: Security;
  readonly dataListen: DataListen;
}

export function appServerHelp(): string {
  return helpOfTable(['app-server --name NAME [--source ADDRESS|--via HOST] [options]'], TABLE);
}

/** Throws BAD_OPTION, BAD_NAME or BAD_ADDRESS, naming the option. */
export function parseOptions(args: readonly string[], env: Environment, uid: number): AppServerOptions {
  const values = readOptionTable(TABLE, args);
  if (values.name === undefined) {
    throw new MirrorflowError('BAD_OPTION', 'an app server serves one application: --name NAME is missing');
  }
  const source = values.source;
  const updateIntervalMs = number('update-interval', values['update-interval'], UPDATE_INTERVAL_MAX_MS);
  const lingerMs = number('linger', values.linger, DAY_MS);
  const stallTimeoutMs = number('stall-timeout', values['stall-timeout'], DAY_MS);
  const programs = values.programs === undefined ? undefined : parsePrograms('--programs', values.programs);
  const access = values.access === undefined ? undefined : parseAccess('--access', values.access);
  const ringBytes = whole('ring-bytes', values['ring-bytes'], LIMITS.mappedBytes);
  const gateway = readGateway(values.gateway);
  const security = readSecurity(
    securityFiles(
      {
        secretFile: values['secret-file'],
        tlsCert: values['tls-cert'],
        tlsKey: values['tls-key'],
        tlsCa: values['tls-ca'],
      },
      env,
    ),
  );
  const via = values.via === undefined ? undefined : checkName('host', values.via);
  if (via !== undefined && source !== undefined) {
    throw new MirrorflowError(
      'BAD_OPTION',
      '--source and --via contradict each other: a mirror comes from one of them',
    );
  }
  return {
    security,
    dataListen: readDataListen(values['data-listen'], values['data-ports'], security),
    directory: runtimeDirectory({ env, uid, directory: values.directory }),
    flowDirectory: flowDirectory({ env, uid, directory: values['flow-dir'] }),
    application: {
      name: checkName('application', values.name),
      port: whole('port', values.port, PORT_MAX) ?? 0,
      ...(source === undefined
        ? {}
        : { source: formatAddress(parseAddress(source, { schemes: ['spectcl'] })) }),
      ...(via === undefined ? {} : { via }),
      ...(updateIntervalMs === undefined ? {} : { updateIntervalMs }),
      ...(lingerMs === undefined ? {} : { lingerMs }),
      ...(ringBytes === undefined ? {} : { ringBytes }),
      ...(gateway === undefined ? {} : { gateway }),
      ...(stallTimeoutMs === undefined ? {} : { stallTimeoutMs }),
      ...(programs === undefined ? {} : { programs }),
      ...(access === undefined ? {} : { access }),
    },
  };
}

function number(option: string, text: string | undefined, max: number): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value <= max) return value;
  throw new MirrorflowError(
    'BAD_OPTION',
    `--${option} is ${JSON.stringify(text)}; it must be a number of 0 to ${max}`,
    { option },
  );
}

function whole(option: string, text: string | undefined, max: number): number | undefined {
  const value = number(option, text, max);
  if (value === undefined || Number.isInteger(value)) return value;
  throw new MirrorflowError('BAD_OPTION', `--${option} is ${value}; it must be a whole number`, { option });
}

function readGateway(text: string | undefined): GatewayOptions | undefined {
  if (text === undefined) return undefined;
  try {
    const place = { method: '--gateway', root: 'options', path: [], unknownMembers: 'refuse' } as const;
    return gatewayOptions.check(JSON.parse(text), { ...place, path: [] });
  } catch (error) {
    throw new MirrorflowError('BAD_OPTION', describeError(error), { option: 'gateway' }, error);
  }
}

/**
 * Data for other hosts are served on loopback where nothing is said. Throws BAD_ADDRESS,
 * BAD_OPTION.
 */
function readDataListen(
  listen: string | undefined,
  ports: string | undefined,
  security: Security,
): DataListen {
  const range = ports === undefined ? undefined : parsePortRange('--data-ports', ports);
  if (listen === undefined) return { scheme: 'tcp', host: '127.0.0.1', ports: range };
  const address = parseAddress(listen, { schemes: ['tcp', 'tls'], listening: true });
  checkListening(address, security);
  return { scheme: address.scheme, host: address.host, ports: range };
}

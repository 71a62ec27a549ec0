/**
 * The options of the host server, from its command line, the environment and the configuration
 * file, in this order of precedence. Called by `main.ts`. Reads the configuration file and the
 * files of secret and certificates; prints help and version.
 */
import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import { formatAddress, parseAddress } from '../protocol/base/address.js';
import type { ApplicationOptions } from '../protocol/rpc/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import type { LogLevel } from '../protocol/base/log.js';
import { LIMITS } from '../protocol/base/limits.js';
import { checkName, isName } from '../protocol/base/names.js';
import { parsePortRange, type PortRange } from '../protocol/base/port-range.js';
import { checkListening } from '../protocol/rpc/security/listening.js';
import {
  readSecurity,
  securityFiles,
  type Security,
  type SecurityFiles,
} from '../protocol/rpc/security/options.js';
import { formatNatsAddress, parseNatsAddress } from '../protocol/nats/address.js';
import type { NatsOptions, StatedNatsOptions } from '../protocol/nats/options.js';
import { commandLine } from './command-line.js';
import { checkChildFiles, checkWebListening } from './boot/child-options.js';
import type { Configuration } from './boot/configuration.js';
import { readConfiguration } from './boot/configuration-file.js';
import { OptionProblems } from './boot/option-problems.js';
import { DEFAULT_PORT, parseListen, type ListenAddress } from './control/listen-address.js';
import { parsePeer, type PeerAddress } from './peers/peer-address.js';

export interface HostServerOptions {
  /** Nothing is to be started: only the options were to be checked. */
  readonly check?: boolean | undefined;
  readonly directory: string;
  readonly flowDirectory: string;
  readonly listen: ListenAddress;
  readonly security: Security;
  readonly network: NetworkOptions;
  readonly applications: readonly ApplicationOptions[];
  readonly log: LogOptions;
  /** Absolute path of the app server's program; undefined: the program of this installation. */
  readonly appServer: string | undefined;
  /** How this host takes part in a collaboration over NATS; undefined: it does not. */
  readonly nats?: NatsOptions | undefined;
  /** Arguments of the web viewer that state where it listens; undefined: no web viewer. */
  readonly web?: readonly string[] | undefined;
  /** Configuration file with what alarms of the web viewer do; undefined: nothing. */
  readonly alarmsFrom?: string | undefined;
}

/** This host among the others. */
export interface NetworkOptions {
  /** Name of this host on its network. */
  readonly hostName: string;
  /** Other host servers. */
  readonly peers: readonly PeerAddress[];
  /** Whether other hosts are discovered on the local network. */
  readonly discover: boolean;
  /** Ports on which data for other hosts are served; undefined: any free ones. */
  readonly dataPorts: PortRange | undefined;
  /** `off`: data links without TLS to hosts with the same setting carry no MAC. Default: on. */
  readonly integrity?: 'on' | 'off' | undefined;
}

/** Undefined members keep the default of the logger. */
interface LogOptions {
  readonly level: LogLevel | undefined;
  readonly format: 'json' | 'text' | undefined;
}

const DEFAULT_LISTEN: ListenAddress = { scheme: 'tcp', host: '127.0.0.1', port: DEFAULT_PORT };
const SECRET_ELSEWHERE =
  'The check sees no options and variables of a service unit: what the unit gives, give here too, as --secret-file FILE.';
const SECURITY_OPTIONS: Readonly<Record<keyof SecurityFiles, string>> = {
  secretFile: '--secret-file, MIRRORFLOW_SECRET_FILE',
  tlsCert: '--tls-cert, MIRRORFLOW_TLS_CERT',
  tlsKey: '--tls-key, MIRRORFLOW_TLS_KEY',
  tlsCa: '--tls-ca, MIRRORFLOW_TLS_CA',
};
/** Never used: there is a problem where it stands. */
const NO_DIRECTORIES = { directory: '', flowDirectory: '' };

/**
 * Resolves with undefined when help or version was requested and printed. Rejects with BAD_OPTION
 * or BAD_ADDRESS for one problem, with BAD_CONFIGURATION for several and those of the file;
 * `--check` adds those of the children.
 */
export async function readOptions(
  args: readonly string[],
  env: Environment,
  uid: number,
  version: string,
): Promise<HostServerOptions | undefined> {
  let printed = '';
  const parser = commandLine(version);
  const given = await parser.parseAsync([...args], {}, (_error, _given, output) => {
    printed = output;
  });
  if (given['help'] === true || given['version'] === true) {
    process.stdout.write(`${printed}\n`);
    return undefined;
  }
  const problems = new OptionProblems(given.config);
  const configuration: Configuration =
    given.config === undefined ? { applications: [] } : readConfiguration(given.config, problems);
  const listen = problems.attempt(
    'listen',
    () => listenAddress(given.listen, env['MIRRORFLOW_PORT'], configuration.listen),
    DEFAULT_LISTEN,
  );
  const security = readFiles(filesOf(given, env, configuration), configuration, problems);
  const network = networkOptions(given, configuration, security.files, problems);
  const nats = problems.attempt(
    'nats',
    () => natsOptions(given, configuration.nats, network.hostName),
    undefined,
  );
  const web = problems.attempt(
    'web',
    () => webArguments(given.web ?? (env['MIRRORFLOW_WEB'] || configuration.web), listen.port),
    undefined,
  );
  if (security.complete) {
    problems.attempt('listen', () => checkListening(listen, security), undefined);
    if (given.check === true) problems.attempt('web', () => checkWebListening(web, security), undefined);
  }
  if (given.check === true) {
    checkChildFiles(nats, configuration.applications, problems);
    if (problems.some(({ missing }) => missing === 'secret')) problems.setNote(SECRET_ELSEWHERE);
  }
  const directories = problems.attempt(
    'directory',
    () => ({
      directory: runtimeDirectory({
        // An empty variable counts as unset.
        directory:
          given.directory ?? (env['MIRRORFLOW_DIR'] || configuration.directory || serviceDirectory(env)),
        env,
        uid,
        scope: given.scope,
      }),
      flowDirectory: flowDirectory({
        directory: given.flowDir ?? (env['MIRRORFLOW_FLOW_DIR'] || configuration.flowDirectory),
        env,
        uid,
      }),
    }),
    NO_DIRECTORIES,
  );
  problems.throwAny();
  return {
    check: given.check,
    ...directories,
    listen,
    security,
    network,
    applications: configuration.applications,
    log: { level: given.logLevel, format: given.logFormat },
    appServer: given.appServer,
    nats,
    web,
    // The viewer reads them itself: what is in an address must not be in a command line.
    alarmsFrom:
      given.config === undefined || configuration.alarms === undefined ? undefined : resolve(given.config),
  };
}

/** `complete`: every file that is named could be read. */
function readFiles(
  files: SecurityFiles,
  configured: Configuration,
  problems: OptionProblems,
): Security & { readonly complete: boolean } {
  let complete = true;
  const security = readSecurity(files, (file, error) => {
    complete = false;
    const isOfFile = files[file] === configured[file];
    problems.refuse(isOfFile ? file : SECURITY_OPTIONS[file], error);
  });
  return { ...security, complete };
}

interface GivenNetworkOptions {
  readonly hostName: string | undefined;
  readonly peer: readonly string[] | undefined;
  readonly discover: boolean | undefined;
  readonly dataPorts: string | undefined;
  readonly integrity: 'on' | 'off' | undefined;
}

/** Refuses other hosts without a secret: they would refuse this one. */
function networkOptions(
  given: GivenNetworkOptions,
  configuration: Configuration,
  { secretFile }: SecurityFiles,
  problems: OptionProblems,
): NetworkOptions {
  const stated = problems.attempt('peers', () => given.peer?.map(parsePeer), undefined);
  const peers = stated ?? configuration.peers ?? [];
  const discover = given.discover ?? configuration.discover ?? false;
  if (secretFile === undefined && (peers.length > 0 || discover)) {
    problems.refuse(
      peers.length > 0 ? 'peers' : 'discover',
      new MirrorflowError(
        'BAD_OPTION',
        'other hosts are connected with a shared secret only: give --secret-file, or leave out --peer and --discover',
        { missing: 'secret' },
      ),
    );
  }
  const { hostName, dataPorts } = given;
  return {
    hostName: problems.attempt(
      'hostName',
      () =>
        hostName === undefined ? (configuration.hostName ?? ownHostName()) : checkName('host', hostName),
      'host',
    ),
    peers,
    discover,
    integrity: given.integrity ?? configuration.integrity,
    dataPorts: problems.attempt(
      'dataPorts',
      () => (dataPorts === undefined ? configuration.dataPorts : parsePortRange('--data-ports', dataPorts)),
      undefined,
    ),
  };
}

interface GivenNatsOptions {
  readonly nats: string | undefined;
  readonly natsCredentials: string | undefined;
}

/** The options over the configuration; `off` leaves NATS out. Throws BAD_OPTION, BAD_ADDRESS. */
function natsOptions(
  { nats: address, natsCredentials }: GivenNatsOptions,
  configured: StatedNatsOptions | undefined,
  hostName: string,
): NatsOptions | undefined {
  if (address === 'off') return undefined;
  const stated = address === undefined ? undefined : formatNatsAddress(parseNatsAddress(address));
  const place = stated ?? configured?.address;
  if (place === undefined) {
    if (natsCredentials === undefined) return undefined;
    throw new MirrorflowError('BAD_OPTION', '--nats-credentials needs the address of a server: give --nats');
  }
  return {
    site: hostName,
    ...configured,
    address: place,
    ...(natsCredentials !== undefined && { credentialsFile: resolve(natsCredentials) }),
  };
}

interface GivenSecurityFiles {
  readonly secretFile: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsCa: string | undefined;
}

/** Files of secret and certificates, in the same order of precedence. */
function filesOf(given: GivenSecurityFiles, env: Environment, configured: Configuration): SecurityFiles {
  const stated = securityFiles(
    {
      ...(given.secretFile !== undefined && { secretFile: resolve(given.secretFile) }),
      ...(given.tlsCert !== undefined && { tlsCert: resolve(given.tlsCert) }),
      ...(given.tlsKey !== undefined && { tlsKey: resolve(given.tlsKey) }),
      ...(given.tlsCa !== undefined && { tlsCa: resolve(given.tlsCa) }),
    },
    env,
  );
  return {
    secretFile: stated.secretFile ?? configured.secretFile,
    tlsCert: stated.tlsCert ?? configured.tlsCert,
    tlsKey: stated.tlsKey ?? configured.tlsKey,
    tlsCa: stated.tlsCa ?? configured.tlsCa,
  };
}

/** The runtime directory that systemd created for this service: systemd.exec(5). */
function serviceDirectory(env: Environment): string | undefined {
  const created = env['RUNTIME_DIRECTORY'];
  // In a terminal that another service has started, the variable names that service's directory.
  const isOurs = created !== undefined && basename(created) === 'mirrorflow' && !created.includes(':');
  return isOurs ? created : undefined;
}

function listenAddress(
  option: string | undefined,
  port: string | undefined,
  configured: ListenAddress | undefined,
): ListenAddress {
  if (option !== undefined) return parseListen(option);
  if (port === undefined || port === '') {
    return configured ?? DEFAULT_LISTEN;
  }
  if (!/^\d{1,5}$/.test(port) || Number(port) > 65_535) {
    throw new MirrorflowError(
      'BAD_OPTION',
      `MIRRORFLOW_PORT is ${JSON.stringify(port.slice(0, 80))}; it must be a port from 0 to 65535`,
    );
  }
  return { scheme: 'tcp', host: '127.0.0.1', port: Number(port) };
}

/**
 * Default: the port after that of XML-RPC, or any free port when that is taken, so that several
 * systems run side by side.
 */
function webArguments(address: string | undefined, listenPort: number): readonly string[] | undefined {
  if (address === 'off') return undefined;
  if (address === undefined) {
    const port = listenPort === 0 || listenPort === 65_535 ? 0 : listenPort + 1;
    return ['--listen', `tcp://127.0.0.1:${port}`, '--or-any-port'];
  }
  return ['--listen', formatAddress(parseAddress(address, { schemes: ['tcp', 'tls'], listening: true }))];
}

/** The machine's name, with the characters replaced that a name of a host must not have. */
function ownHostName(): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, LIMITS.nameCharacters);
  return isName(name) ? name : 'host';
}

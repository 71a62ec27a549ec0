/**
 * The options of the host server, from its command line, the environment and the configuration
 * file, in this order of precedence. Called by `main.ts`. Reads the configuration file and the
 * files of secret and certificates; prints help and version.
 */
import { readFileSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, resolve } from 'node:path';
import { formatAddress, parseAddress } from '../protocol/base/address.js';
import type { ApplicationOptions } from '../protocol/rpc/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { describeError, MirrorflowError } from '../protocol/base/errors.js';
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
import { parseConfiguration, type Configuration } from './boot/configuration.js';
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

const CONFIGURATION_BYTES_MAX = 1024 * 1024;

/**
 * Resolves with undefined when help or version was requested and printed. Rejects with BAD_OPTION,
 * BAD_ADDRESS or BAD_CONFIGURATION.
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
  const configuration: Configuration =
    given.config === undefined ? { applications: [] } : readConfiguration(given.config);
  const listen = listenAddress(given.listen, env['MIRRORFLOW_PORT'], configuration.listen);
  const security = readSecurity(filesOf(given, env, configuration));
  const network = networkOptions(given, configuration, security);
  checkListening(listen, security);
  return {
    check: given.check,
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
    listen,
    security,
    network,
    applications: configuration.applications,
    log: { level: given.logLevel, format: given.logFormat },
    appServer: given.appServer,
    nats: natsOptions(given, configuration.nats, network.hostName),
    web: webArguments(given.web ?? (env['MIRRORFLOW_WEB'] || configuration.web), listen.port),
    // The viewer reads them itself: what is in an address must not be in a command line.
    alarmsFrom:
      given.config === undefined || configuration.alarms === undefined ? undefined : resolve(given.config),
  };
}

interface GivenNetworkOptions {
  readonly hostName: string | undefined;
  readonly peer: readonly string[] | undefined;
  readonly discover: boolean | undefined;
  readonly dataPorts: string | undefined;
  readonly integrity: 'on' | 'off' | undefined;
}

/** Throws BAD_OPTION for other hosts without a secret: they would refuse this one. */
function networkOptions(
  given: GivenNetworkOptions,
  configuration: Configuration,
  { secret }: Security,
): NetworkOptions {
  const peers = given.peer?.map(parsePeer) ?? configuration.peers ?? [];
  const discover = given.discover ?? configuration.discover ?? false;
  if (secret === undefined && (peers.length > 0 || discover)) {
    throw new MirrorflowError(
      'BAD_OPTION',
      'other hosts are connected with a shared secret only: give --secret-file, or leave out --peer and --discover',
    );
  }
  const dataPorts = given.dataPorts;
  return {
    hostName:
      given.hostName === undefined
        ? (configuration.hostName ?? ownHostName())
        : checkName('host', given.hostName),
    peers,
    discover,
    integrity: given.integrity ?? configuration.integrity,
    dataPorts: dataPorts === undefined ? configuration.dataPorts : parsePortRange('--data-ports', dataPorts),
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
    return configured ?? { scheme: 'tcp', host: '127.0.0.1', port: DEFAULT_PORT };
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

/** Throws BAD_CONFIGURATION with the key, the value and the allowed values of every problem. */
function readConfiguration(file: string): Configuration {
  const result = parseConfiguration(readConfigurationText(file));
  if (result.kind === 'configuration') return result.configuration;
  const { problems } = result;
  const lines = problems.map(({ key, message }) => (key === '' ? message : `${key} ${message}`));
  throw new MirrorflowError(
    'BAD_CONFIGURATION',
    lines.length === 1 ? `${file}: ${lines[0]}` : `${file}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    { file, problems: problems.length },
  );
}

function readConfigurationText(file: string): string {
  try {
    const { size } = statSync(file);
    if (size > CONFIGURATION_BYTES_MAX) {
      throw new Error(`it has ${size} bytes, more than ${CONFIGURATION_BYTES_MAX}`);
    }
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new MirrorflowError(
      'BAD_CONFIGURATION',
      `the configuration ${file} cannot be read: ${describeError(thrown)}`,
      { file },
      thrown,
    );
  }
}

/** The machine's name, with the characters replaced that a name of a host must not have. */
function ownHostName(): string {
  const name = hostname()
    .replaceAll(/[^A-Za-z0-9._-]/g, '-')
    .replace(/^[^A-Za-z0-9]+/, '')
    .slice(0, LIMITS.nameCharacters);
  return isName(name) ? name : 'host';
}

/**
 * What the host server was told: options win over the environment, that over the configuration
 * file.
 */
import { readFileSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import yargs from 'yargs';
import { formatAddress, parseAddress } from '../protocol/base/address.js';
import type { ApplicationOptions } from '../protocol/rpc/contract/shapes.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { describeError, MirrorflowError } from '../protocol/base/errors.js';
import type { LogLevel } from '../protocol/base/log.js';
import { checkName } from '../protocol/base/names.js';
import { parsePortRange, type PortRange } from '../protocol/base/port-range.js';
import {
  readSecurity,
  securityFiles,
  type Security,
  type SecurityFiles,
} from '../protocol/rpc/security/options.js';
import { parseConfiguration, type Configuration } from './boot/configuration.js';
import { checkListen, DEFAULT_PORT, parseListen, type ListenAddress } from './control/listen-address.js';
import { ownHostName } from './peers/network.js';
import { parsePeer, type PeerAddress } from './peers/peer-address.js';

export interface HostServerOptions {
  readonly directory: string;
  readonly flowDirectory: string;
  readonly listen: ListenAddress;
  readonly security: Security;
  /** Name of this host on its network. */
  readonly hostName: string;
  /** Other host servers. */
  readonly peers: readonly PeerAddress[];
  /** Whether others are looked for on the local network. */
  readonly discover: boolean;
  /** Ports that data for other hosts are served on; undefined: any free ones. */
  readonly dataPorts: PortRange | undefined;
  readonly applications: readonly ApplicationOptions[];
  readonly logLevel: LogLevel | undefined;
  readonly logFormat: 'json' | 'text' | undefined;
  /**
   * Absolute path of the app server's program; undefined for the one that belongs to this host
   * server.
   */
  readonly appServer: string | undefined;
  /** Where the web viewer listens, as its options; undefined: there is none. */
  readonly web?: readonly string[] | undefined;
}

const CONFIGURATION_BYTES_MAX = 1024 * 1024;

const EPILOGUE = `Environment: MIRRORFLOW_DIR, MIRRORFLOW_FLOW_DIR, MIRRORFLOW_PORT and MIRRORFLOW_WEB, where no option says otherwise.

Ending it: SIGTERM and SIGINT stop the host server and its applications. After SIGHUP, host.quit(false) or a crash
the applications go on, and the next host server of the same directory adopts them.

Exit codes: 0 ended as asked, 1 could not start, 2 bad option or configuration, 3 already running.`;

/**
 * Reads the command line, the environment and the configuration file. Undefined when help or
 * version was asked for and printed. Throws BAD_OPTION, BAD_ADDRESS or BAD_CONFIGURATION.
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
  checkListen(listen, security);
  return {
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
    ...networkOptions(given, configuration, security),
    applications: configuration.applications,
    logLevel: given.logLevel,
    logFormat: given.logFormat,
    appServer: given.appServer,
    web: webArguments(given.web ?? (env['MIRRORFLOW_WEB'] || undefined), listen.port),
  };
}

interface GivenOnNetwork {
  readonly hostName: string | undefined;
  readonly peer: readonly string[] | undefined;
  readonly discover: boolean | undefined;
  readonly dataPorts: string | undefined;
}

/** Throws BAD_OPTION for other hosts without a secret: nobody would take anything from this one. */
function networkOptions(given: GivenOnNetwork, configuration: Configuration, { secret }: Security) {
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
    dataPorts: dataPorts === undefined ? configuration.dataPorts : parsePortRange('--data-ports', dataPorts),
  };
}

interface GivenFiles {
  readonly secretFile: string | undefined;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  readonly tlsCa: string | undefined;
}

/** Options win over the environment, that over the configuration. */
function filesOf(given: GivenFiles, env: Environment, configured: Configuration): SecurityFiles {
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

/**
 * The runtime directory that systemd made for this service, of whichever scope: systemd.exec(5),
 * RuntimeDirectory=.
 */
function serviceDirectory(env: Environment): string | undefined {
  const made = env['RUNTIME_DIRECTORY'];
  // A terminal that belongs to another service has that one's.
  return made !== undefined && basename(made) === 'mirrorflow' && !made.includes(':') ? made : undefined;
}

function commandLine(version: string) {
  return yargs()
    .scriptName('mirrorflow-host-server')
    .usage('$0 [options]\n\nStarts, watches and finds the applications of this machine or user.')
    .version(version)
    .help()
    .epilogue(EPILOGUE)
    .strict()
    .exitProcess(false)
    .wrap(110)
    .middleware(keepLast, true)
    .option('config', { type: 'string', requiresArg: true, describe: 'configuration file, JSON' })
    .option('directory', { type: 'string', requiresArg: true, describe: 'runtime directory' })
    .option('flow-dir', { type: 'string', requiresArg: true, describe: 'directory of the flow files' })
    .option('listen', {
      type: 'string',
      requiresArg: true,
      describe: `address of XML-RPC over HTTP and of other hosts, tcp://127.0.0.1:${DEFAULT_PORT}; port 0 is any free one, tls:// needs a certificate`,
    })
    .option('host-name', {
      type: 'string',
      requiresArg: true,
      describe: 'name of this host on its network; default: that of the machine',
    })
    .option('peer', {
      type: 'string',
      array: true,
      requiresArg: true,
      describe: `address of another host server, tcp://HOST:${DEFAULT_PORT} or tls://HOST:${DEFAULT_PORT}, as often as there are some`,
    })
    .option('discover', {
      type: 'boolean',
      describe: 'look for other hosts on the local network, and be found there (DNS-SD)',
    })
    .option('data-ports', {
      type: 'string',
      requiresArg: true,
      describe: 'ports that data for other hosts are served on, LOW-HIGH; any free ones when left out',
    })
    .option('web', {
      type: 'string',
      requiresArg: true,
      describe: `address of the web viewer, or off; tcp://127.0.0.1:${DEFAULT_PORT + 1}. Beyond this machine it needs MIRRORFLOW_SECRET_FILE`,
    })
    .option('secret-file', {
      type: 'string',
      requiresArg: true,
      describe:
        'file with the shared secret of the hosts, which others may not read; also MIRRORFLOW_SECRET_FILE',
    })
    .option('tls-cert', {
      type: 'string',
      requiresArg: true,
      describe: 'certificate of this host, PEM; also MIRRORFLOW_TLS_CERT',
    })
    .option('tls-key', {
      type: 'string',
      requiresArg: true,
      describe: 'its key, PEM, which others may not read; also MIRRORFLOW_TLS_KEY',
    })
    .option('tls-ca', {
      type: 'string',
      requiresArg: true,
      describe: 'certificates that other hosts are trusted by, PEM; also MIRRORFLOW_TLS_CA',
    })
    .option('scope', {
      choices: ['user', 'machine'] as const,
      default: 'user' as const,
      describe: 'whom it runs for',
    })
    .option('log-level', { choices: ['debug', 'info', 'warn', 'error'] as const, describe: 'lowest level' })
    .option('log-format', { choices: ['json', 'text'] as const, describe: 'form of the log' })
    .option('app-server', {
      type: 'string',
      requiresArg: true,
      describe: 'program of the app servers, for tests',
      hidden: true,
    })
    .check(({ _: words }) => {
      if (words.length > 0) throw new Error(`unexpected argument: ${words.join(' ')}`);
      return true;
    })
    .fail((message: string | null, error: Error | undefined) => {
      throw new MirrorflowError('BAD_OPTION', message ?? describeError(error), {}, error);
    });
}

/** Of an option that was given twice the last one counts, except where several make sense. */
function keepLast(given: Record<string, unknown>): void {
  for (const [key, value] of Object.entries(given)) {
    if (Array.isArray(value) && key !== 'peer' && key !== '_') given[key] = value.at(-1);
  }
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
 * Where nothing is said, the port behind that of XML-RPC, or any free one when it is taken; so
 * several systems run side by side.
 */
function webArguments(wish: string | undefined, listenPort: number): readonly string[] | undefined {
  if (wish === 'off') return undefined;
  if (wish === undefined) {
    const port = listenPort === 0 || listenPort === 65_535 ? 0 : listenPort + 1;
    return ['--listen', `tcp://127.0.0.1:${port}`, '--or-any-port'];
  }
  return ['--listen', formatAddress(parseAddress(wish, { schemes: ['tcp'], listening: true }))];
}

/**
 * Throws BAD_CONFIGURATION naming the file and, for every problem, its place, what was found and
 * what is allowed.
 */
function readConfiguration(file: string): Configuration {
  const result = parseConfiguration(readText(file));
  if (result.kind === 'configuration') return result.configuration;
  const { problems } = result;
  const lines = problems.map(({ key, message }) => (key === '' ? message : `${key} ${message}`));
  throw new MirrorflowError(
    'BAD_CONFIGURATION',
    lines.length === 1 ? `${file}: ${lines[0]}` : `${file}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
    { file, problems: problems.length },
  );
}

function readText(file: string): string {
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

/**
 * The app server's command line and environment, checked before anything is touched: name and port,
 * and the document of `--options` with all else. main.ts reads it once; the app server passes the
 * result on as one object. Reads the secret and certificate files.
 */
import { isSiteAddress, parseSiteAddress } from '../protocol/nats/site-address.js';
import { formatAddress, parseAddress } from '../protocol/base/address.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { flowDirectory, runtimeDirectory, type Environment } from '../protocol/base/paths.js';
import { parsePortRange, type PortRange } from '../protocol/base/port-range.js';
import { stateDirectory } from '../protocol/base/state-directory.js';
import {
  helpOfTable,
  readDocument,
  readOptionTable,
  type OptionTable,
} from '../protocol/host/process-kit/option-table.js';
import {
  APP_SERVER_MEMBERS,
  appServerDocument,
  type AppServerDocument,
} from '../protocol/rpc/contract/app-server-options.js';
import { checkPrograms } from '../protocol/rpc/contract/programs.js';
import { checkRecordOptions } from '../protocol/rpc/contract/recorder.js';
import { applicationOptions, type ApplicationOptions } from '../protocol/rpc/contract/shapes.js';
import { checkListening } from '../protocol/rpc/security/listening.js';
import { readSecurity, securityFiles, type Security } from '../protocol/rpc/security/options.js';

const TABLE = {
  name: { value: 'NAME', help: 'application that is served' },
  port: { value: 'PORT', help: 'port of XML-RPC over HTTP; 0 means any free port (0)' },
  options: { value: 'JSON', help: 'all else, one JSON document' },
} as const satisfies OptionTable;

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
  /** Where recordings are kept; an absolute path. */
  readonly stateDirectory: string;
  /** The options of the application, as in host.run. Port 0 means any free port. */
  readonly application: ApplicationOptions;
  readonly security: Security;
  readonly dataListen: DataListen;
  /** Passed on to duplicators as they are. */
  readonly links: {
    readonly integrity: 'on' | 'off' | undefined;
    readonly peers: readonly string[] | undefined;
  };
}

export function appServerHelp(): string {
  return helpOfTable(['app-server --name NAME --port PORT [--options JSON]'], TABLE, APP_SERVER_MEMBERS);
}

/** Throws BAD_OPTION, BAD_NAME or BAD_ADDRESS, naming the option. */
export function parseOptions(args: readonly string[], env: Environment, uid: number): AppServerOptions {
  const { name, port = '0', options } = readOptionTable(TABLE, args);
  if (name === undefined) {
    throw new MirrorflowError('BAD_OPTION', 'an app server serves one application: --name NAME is missing');
  }
  const document = readDocument(appServerDocument, options);
  const security = readSecurity(securityFiles(document, env));
  return {
    security,
    dataListen: readDataListen(document.dataListen, document.dataPorts, security),
    links: { integrity: document.integrity, peers: document.peers },
    directory: runtimeDirectory({ env, uid, directory: document.directory }),
    flowDirectory: flowDirectory({ env, uid, directory: document.flowDirectory }),
    stateDirectory: stateDirectory(undefined, env),
    application: applicationOf(name, port, document),
  };
}

function applicationOf(name: string, port: string, document: AppServerDocument): ApplicationOptions {
  const { source, via, programs, record } = document;
  if (via !== undefined && source !== undefined) {
    const message = 'options.source and options.via contradict each other: a mirror comes from one of them';
    throw new MirrorflowError('BAD_OPTION', message);
  }
  if (programs !== undefined) checkPrograms(programs);
  if (record !== undefined) checkRecordOptions(record);
  const stated = { ...document, name, port: port.trim() === '' ? port : Number(port) };
  const place = { method: 'app-server', root: '--', path: [], unknownMembers: 'drop' } as const;
  const application = checked(() => applicationOptions.check(stated, { ...place, path: [] }));
  if (via !== undefined && isSiteAddress(via)) parseSiteAddress(via);
  if (source === undefined) return application;
  return { ...application, source: formatAddress(parseAddress(source, { schemes: ['spectcl'] })) };
}

function checked<T>(check: () => T): T {
  try {
    return check();
  } catch (thrown) {
    if (!(thrown instanceof MirrorflowError) || thrown.code !== 'INVALID_PARAMETERS') throw thrown;
    throw new MirrorflowError('BAD_OPTION', thrown.message, {}, thrown);
  }
}

/** Loopback when left out. Throws BAD_ADDRESS, BAD_OPTION. */
function readDataListen(
  listen: string | undefined,
  ports: string | undefined,
  security: Security,
): DataListen {
  const range = ports === undefined ? undefined : parsePortRange('options.dataPorts', ports);
  if (listen === undefined) return { scheme: 'tcp', host: '127.0.0.1', ports: range };
  const address = parseAddress(listen, { schemes: ['tcp', 'tls'], listening: true });
  checkListening(address, security);
  return { scheme: address.scheme, host: address.host, ports: range };
}

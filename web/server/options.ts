/**
 * The command line of the web process, read by `main.ts`: options win over environment variables.
 * Reads the files of secret, certificate and configuration; prints help and version.
 */
import { isAbsolute } from 'node:path';
import yargs from 'yargs';
import { parseAddress } from '../../protocol/base/address.js';
import type { Environment } from '../../protocol/base/paths.js';
import { stateDirectory } from '../../protocol/base/state-directory.js';
import { describeError, MirrorflowError } from '../../protocol/base/errors.js';
import { readSecurity, securityFiles } from '../../protocol/rpc/security/options.js';
import { readAlarmActionsFrom } from './alarms/actions-file.js';
import type { ViewedHost } from './applications.js';
import type { ListeningOptions } from './listening-options.js';

export interface WebOptions {
  readonly listening: ListeningOptions;
  /** Paths are absolute. */
  readonly host: ViewedHost;
  /** Folder of the package jsroot; undefined: beside this program. */
  readonly jsroot: string | undefined;
  readonly endWithStdin: boolean;
}

export const DEFAULT_WEB_PORT = 7391;

/**
 * Undefined when help or version was requested, which is then printed. Throws BAD_OPTION or
 * BAD_ADDRESS.
 */
export async function readWebOptions(
  args: readonly string[],
  env: Environment,
  version: string,
): Promise<WebOptions | undefined> {
  let helpText = '';
  const parser = commandLine(version);
  const given = await parser.parseAsync([...args], {}, (_error, _given, output) => {
    helpText = output;
  });
  if (given['help'] === true || given['version'] === true) {
    process.stdout.write(`${helpText}\n`);
    return undefined;
  }
  const { secretFile, tlsCert, tlsKey } = given;
  const files = securityFiles({ secretFile, tlsCert, tlsKey }, env);
  const { secret, identity } = readSecurity({ ...files, tlsCa: undefined });
  return {
    listening: {
      listen: parseAddress(given.listen, { schemes: ['tcp', 'tls'], listening: true }),
      orAnyPort: given.orAnyPort,
      names: given.name.map((name) => name.toLowerCase()),
      secret,
      identity,
    },
    host: {
      directory: given.directory,
      stateDirectory: stateDirectory(given.stateDirectory, env),
      recordings: recordings(given.recordings, env),
      alarmActions: given.alarmsFrom === undefined ? undefined : readAlarmActionsFrom(given.alarmsFrom),
    },
    jsroot: given.jsroot ?? (env['MIRRORFLOW_JSROOT'] || undefined),
    endWithStdin: given.endWithStdin,
  };
}

/** Directories of the option, or else of the environment. Throws BAD_OPTION for a relative path. */
function recordings(option: readonly string[], env: Environment): readonly string[] {
  const given = option.length > 0 ? option : (env['MIRRORFLOW_RECORDINGS'] ?? '').split(':');
  const paths = given.filter((path) => path !== '');
  const relative = paths.find((path) => !isAbsolute(path));
  if (relative === undefined) return paths;
  throw new MirrorflowError(
    'BAD_OPTION',
    `the directory of recordings is ${JSON.stringify(relative)}; it must be an absolute path`,
    { path: relative },
  );
}

function commandLine(version: string) {
  return yargs()
    .scriptName('mirrorflow-web')
    .usage('$0 [options]\n\nServe the spectra of this host to browsers.')
    .version(version)
    .help()
    .strict()
    .exitProcess(false)
    .wrap(110)
    .option('listen', {
      type: 'string',
      requiresArg: true,
      default: `tcp://127.0.0.1:${DEFAULT_WEB_PORT}`,
      describe:
        'address to listen on, tcp:// or tls://; beyond this machine only with --secret-file, and with a certificate over TLS only; port 0 for any free port',
    })
    .option('or-any-port', {
      type: 'boolean',
      default: false,
      describe: 'take any free port when the port of --listen is in use',
    })
    .option('name', {
      type: 'string',
      array: true,
      requiresArg: true,
      default: [] as string[],
      describe:
        'further name of this host that browsers may use; may be repeated. Viewing needs signing in then, and --secret-file',
    })
    .option('secret-file', {
      type: 'string',
      requiresArg: true,
      describe: 'file with the shared secret, readable by its owner only; also MIRRORFLOW_SECRET_FILE',
    })
    .option('tls-cert', {
      type: 'string',
      requiresArg: true,
      describe: 'certificate of this host, PEM; also MIRRORFLOW_TLS_CERT',
    })
    .option('tls-key', {
      type: 'string',
      requiresArg: true,
      describe: 'private key of the certificate, PEM; also MIRRORFLOW_TLS_KEY',
    })
    .option('directory', {
      type: 'string',
      requiresArg: true,
      describe: 'runtime directory of the host server',
    })
    .option('state-directory', {
      type: 'string',
      requiresArg: true,
      describe:
        'where calibrations, layouts, trends, alarms and the record of changes are kept; also MIRRORFLOW_STATE_DIR; default: STATE_DIRECTORY, or mirrorflow in ' +
        'XDG_STATE_HOME or ~/.local/state',
    })
    .option('recordings', {
      type: 'string',
      array: true,
      requiresArg: true,
      default: [] as string[],
      describe:
        'directory in which recordings of applications lie, an absolute path, for the time line of the page; may be ' +
        'repeated; also MIRRORFLOW_RECORDINGS, separated by colons',
    })
    .option('alarms-from', {
      type: 'string',
      requiresArg: true,
      describe: 'configuration file of the host server, whose member alarms names a webhook or a command',
    })
    .option('jsroot', {
      type: 'string',
      requiresArg: true,
      describe:
        'folder of the npm package jsroot, an absolute path; also MIRRORFLOW_JSROOT; default: where it is installed beside mirrorflow',
    })
    .option('end-with-stdin', {
      type: 'boolean',
      default: false,
      describe:
        'end when standard input ends, so that the process never outlives a parent that holds the pipe',
    })
    .check(({ _: words }) => {
      if (words.length > 0) throw new Error(`unexpected argument: ${words.join(' ')}`);
      return true;
    })
    .fail((message: string | null, error: Error | undefined) => {
      throw new MirrorflowError('BAD_OPTION', message ?? describeError(error), {}, error);
    });
}

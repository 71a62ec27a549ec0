/**
 * Collects what is needed to help with a problem of this host: versions, findings, states,
 * configuration and logs, without secrets. `mirrorflow doctor --bundle` writes it.
 *
 * Asks the servers that run, and reads their logs and the file of the configuration.
 */
import { closeSync, fstatSync, openSync, readFileSync, readSync, readdirSync } from 'node:fs';
import { hostname, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { describeError } from '../../protocol/base/errors.js';
import { packageVersion } from '../../protocol/base/installation.js';
import { clientDirectories } from '../../protocol/base/paths.js';
import { PROTOCOL_VERSION } from '../../protocol/base/version.js';
import type { CommandContext } from '../command.js';
import { configurationFile, serverProcess } from '../host-process/server-process.js';
import { withClient, withHost } from '../servers.js';
import { Redaction } from './redaction.js';
import { namedFiles, secretTexts } from './secret-files.js';
import { tarGz, type ArchivedFile } from './tar.js';

const FOLDER = 'mirrorflow-bundle';
/** Most bytes of a log in the bundle: its end. */
const LOG_BYTES_MAX = 1024 * 1024;
const LOGS_MAX = 200;
/** Output of users' own programs, which may contain anything. */
const FOREIGN_LOG = /^program-/;
const NOTE = `Made by mirrorflow doctor --bundle. Secrets, tokens, arguments of programs and what looks
like a secret were replaced by [removed]; look through the files before you send them.
`;

/** `findings` are those of the doctor. Resolves with the bytes of the archive. */
export async function makeBundle(context: CommandContext, findings: readonly object[]): Promise<Buffer> {
  const { env } = context;
  const uid = process.geteuid?.() ?? 0;
  const directories = clientDirectories({ env, uid, directory: context.directory });
  const states = await statesOf(context);
  const configuration = configurationOf(states);
  const secretFile = env['MIRRORFLOW_SECRET_FILE'] ?? '';
  const redaction = new Redaction(secretTexts(directories, [secretFile, ...namedFiles(configuration)]));
  const json = (name: string, value: unknown): ArchivedFile =>
    archived(name, `${JSON.stringify(redaction.value(value), undefined, 2)}\n`);
  const settings = Object.entries(env).filter(([name]) => name.startsWith('MIRRORFLOW_'));
  const files = [
    archived('README', NOTE),
    json('versions.json', { ...versions(), uid, directories, environment: Object.fromEntries(settings) }),
    json('findings.json', findings),
    json('states.json', states),
    json('configuration.json', configuration ?? 'no host server with a configuration file was found'),
    ...directories.flatMap((directory, index) => logsOf(directory, `logs-${index}`, redaction)),
  ];
  return tarGz(files, Date.now() / 1000);
}

function archived(name: string, text: string): ArchivedFile {
  return { name: `${FOLDER}/${name}`, content: Buffer.from(text) };
}

function versions(): object {
  const { version, versions: parts, platform, arch } = process;
  return {
    mirrorflow: packageVersion(),
    protocol: PROTOCOL_VERSION,
    node: version,
    v8: parts.v8,
    system: `${platform} ${arch} ${release()}`,
    distribution: attempt(() => readFileSync('/etc/os-release', 'utf8').split('\n', 1)[0]),
    host: hostname(),
    memoryBytes: totalmem(),
    at: new Date().toISOString(),
  };
}

interface States {
  readonly host?: { readonly pid: number };
  readonly [part: string]: unknown;
}

/** What the servers answer; an error takes the place of an answer. */
async function statesOf(context: CommandContext): Promise<States> {
  try {
    const { host, applications, network } = await withHost(context, async (connection) => ({
      host: await connection.info(),
      applications: await connection.applications(),
      network: await connection.network(),
    }));
    const running = applications.filter(({ state }) => state === 'running');
    const flows = await Promise.all(
      running.map(async ({ name }) => {
        try {
          return await withClient(context, name, async (client) => ({
            application: name,
            info: await client.appInfo(),
            flows: await client.flows(),
            clients: await client.clients(),
          }));
        } catch (error) {
          return { application: name, error: describeError(error) };
        }
      }),
    );
    return { host, applications, network, flows };
  } catch (error) {
    return { error: describeError(error) };
  }
}

/** The content of the file that the running host server was started with. */
function configurationOf({ host }: States): unknown {
  if (host === undefined) return undefined;
  return attempt(() => {
    const file = configurationFile(serverProcess(host.pid));
    return file === undefined
      ? undefined
      : (JSON.parse(readFileSync(file, 'utf8').replace(/^\u{FEFF}/u, '')) as unknown);
  });
}

function logsOf(directory: string, folder: string, redaction: Redaction): ArchivedFile[] {
  const names = attempt(() => readdirSync(join(directory, 'logs'))) ?? [];
  const own = names.filter((name) => !FOREIGN_LOG.test(name)).slice(0, LOGS_MAX);
  return own.flatMap((name, index) => {
    const text = attempt(() => endOf(join(directory, 'logs', name)));
    // Names of applications and flows may be longer than a name in an archive.
    const short = name.length <= 64 ? name : `${name.slice(0, 56)}-${index}.log`;
    return text === undefined ? [] : [archived(`${folder}/${short}`, redaction.text(text))];
  });
}

/** The last lines of a log, whole ones: a part of a secret would not be recognised. */
function endOf(path: string): string {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, LOG_BYTES_MAX));
    const count = readSync(file, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString('utf8', 0, count);
    return size > LOG_BYTES_MAX ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    closeSync(file);
  }
}

/** Undefined for what this user may not read. */
function attempt<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

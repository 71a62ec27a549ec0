/**
 * The check of the options and the configuration file of the host server: of the one that runs, as
 * it was started, else of the one that systemd is to start. `mirrorflow doctor` runs it.
 *
 * Reads /proc and units; the program of the host server reads the files, and starts nothing.
 */
import { describeError } from '../../protocol/base/errors.js';
import type { Environment } from '../../protocol/base/paths.js';
import { nameOfUser } from '../../protocol/host/access/accounts.js';
import { checkConfiguration } from '../host-process/check-configuration.js';
import { configurationFile, serverProcess } from '../host-process/server-process.js';
import { withHost } from '../servers.js';
import { fail, ok, type Check, type CheckContext, type Finding } from './check.js';
import { unitFiles, unitService } from './units.js';

interface StartedServer {
  readonly options: readonly string[];
  readonly workingDirectory: string;
  /** The account that it runs as. */
  readonly user: string;
  /** What it has in its environment; undefined where this user may not see it. */
  readonly env: Environment | undefined;
}

export const configuration: Check = {
  title: 'configuration',
  async run(context) {
    const running = await runningServer(context);
    const servers = running === undefined ? installedServers(context) : [running];
    if (servers.length === 0) {
      return ok(
        'no host server runs or is installed; `mirrorflow host check FILE` checks a configuration file',
      );
    }
    return (await Promise.all(servers.map((server) => examine(context, server)))).flat();
  },
};

async function examine({ uid, env }: CheckContext, server: StartedServer): Promise<readonly Finding[]> {
  const { options, user, workingDirectory } = server;
  const what = configurationFile(server) ?? 'the options of the host server, which has no file,';
  if (uid !== 0 && user !== nameOfUser(uid)) {
    return [ok(`${what} can be checked by ${user}, the user of the host server`)];
  }
  try {
    await checkConfiguration(options, server.env ?? env, workingDirectory);
    return [ok(`${what} can be used, with the files that it names`)];
  } catch (error) {
    const [place = '', ...problems] = describeError(error).split('\n');
    const mend = 'correct it; the next start of the host server needs it';
    return problems.length === 0
      ? [fail(place, mend)]
      : problems.map((problem) => fail(`${place} ${problem.trim()}`, mend));
  }
}

async function runningServer(context: CheckContext): Promise<StartedServer | undefined> {
  try {
    const { pid } = await withHost(context, (host) => host.info());
    const { uid, ...started } = serverProcess(pid);
    return { ...started, user: nameOfUser(uid) };
  } catch {
    // The check of the host server reports why it does not answer.
    return undefined;
  }
}

/** What a unit gives beside its file counts, and not what this shell has. */
function installedServers({ env, uid }: CheckContext): StartedServer[] {
  return unitFiles(env).flatMap((path) => {
    const service = unitService(path);
    if (service === undefined) return [];
    return [{ workingDirectory: '/', ...service, user: service.user ?? nameOfUser(uid) }];
  });
}

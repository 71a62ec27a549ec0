/**
 * `mirrorflow clean`: removes files, sockets and records of dead processes, or only shows them.
 *
 * It works on the runtime directory and the directory of the flow files. A host server does the
 * same when it starts.
 */
import type { Leftover } from '../../protocol/host/clean-up/sweep.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { EXIT } from '../exit-codes.js';

export const cleanCommand = command({
  name: 'clean',
  summary:
    'remove files, sockets and records of dead processes; those of running processes and of other users stay',
  positionals: {},
  options: {
    'dry-run': { type: 'boolean', describe: 'show what would be removed, and remove nothing' },
    'flow-dir': { type: 'string', describe: "directory of the flow files; default: the host server's" },
  },
  examples: [
    ['clean --dry-run', 'show what is left, and why'],
    ['clean', 'remove it'],
  ],
  async run(context, { 'dry-run': dryRun, 'flow-dir': flowDir }) {
    const { output } = context;
    const { cleanUp } = await import('../../protocol/host/clean-up/clean-up.js');
    const directories = await directoriesOf(context, flowDir);
    const leftovers = await cleanUp({ ...directories, dryRun: dryRun === true });
    if (output.json) for (const leftover of leftovers) output.value(leftover);
    else show(output, directories, leftovers);
    return leftovers.some(({ outcome }) => outcome === 'failed') ? EXIT.failed : EXIT.success;
  },
});

function show(
  output: CommandContext['output'],
  { directory, flowDirectory }: { directory: string; flowDirectory: string },
  leftovers: readonly Leftover[],
): void {
  output.table(
    [{ header: 'what' }, { header: 'path' }, { header: 'why' }, { header: 'outcome' }],
    leftovers.map(({ kind, path, why, outcome, error }) => [
      kind,
      path,
      why,
      error === undefined ? outcome : `${outcome}: ${error}`,
    ]),
    `No leftovers in ${directory} and ${flowDirectory}.`,
  );
}

/** The directories of the running host server; without one, those that it would use. */
async function directoriesOf(
  context: CommandContext,
  flowDir: string | undefined,
): Promise<{ directory: string; flowDirectory: string }> {
  const { env, directory } = context;
  const { runtimeDirectory, flowDirectory } = await import('../../protocol/base/paths.js');
  const uid = process.geteuid?.() ?? 0;
  const { withHost } = await import('../servers.js');
  const host = await withHost(context, (server) => server.info()).catch((error: unknown) => {
    if (isMirrorflowError(error, 'NOT_RUNNING')) return undefined;
    throw error;
  });
  return {
    directory: host?.directory ?? runtimeDirectory({ env, uid, directory }),
    flowDirectory:
      flowDir === undefined && host !== undefined
        ? host.flowDirectory
        : flowDirectory({ env, uid, directory: flowDir }),
  };
}

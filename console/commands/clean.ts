/**
 * `mirrorflow clean`: what dead owners left behind, shown or removed. A host server does the same
 * when it starts.
 */
import type { Leftover } from '../../protocol/host/clean-up/sweep.js';
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { EXIT } from '../exit-codes.js';

export const cleanCommand = command({
  name: 'clean',
  summary:
    'removes files, sockets and records that dead processes left; nothing of living ones, nothing of others',
  positionals: {},
  options: {
    'dry-run': { type: 'boolean', describe: 'only show what would be removed' },
    'flow-dir': { type: 'string', describe: 'where flow files are kept; default: as the host server has it' },
  },
  examples: [
    ['clean --dry-run', 'what is left, whose it was'],
    ['clean', 'removes it'],
  ],
  async run(context, { 'dry-run': dryRun, 'flow-dir': stated }) {
    const { output } = context;
    const { cleanUp } = await import('../../protocol/host/clean-up/clean-up.js');
    const places = await placesOf(context, stated);
    const leftovers = await cleanUp({ ...places, dryRun: dryRun === true });
    if (output.json) for (const leftover of leftovers) output.value(leftover);
    else show(output, places, leftovers);
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
    `Nothing is left in ${directory} and ${flowDirectory}.`,
  );
}

/** Those of the host server that runs; without one those that it would take. */
async function placesOf(
  context: CommandContext,
  stated: string | undefined,
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
      stated === undefined && host !== undefined
        ? host.flowDirectory
        : flowDirectory({ env, uid, directory: stated }),
  };
}

/**
 * `mirrorflow info`: shows version, directories and the host server that answers in them.
 *
 * Reads the environment and asks the host server, if one runs.
 */
import { isMirrorflowError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { packageVersion } from '../../protocol/base/installation.js';

export const infoCommand = command({
  name: 'info',
  summary: 'show version, directories and the host server found in them',
  positionals: {},
  options: {},
  examples: [['info --json', 'the same as JSON']],
  async run(context) {
    const { output, directory, env } = context;
    const { clientDirectories, flowDirectory } = await import('../../protocol/base/paths.js');
    const { PROTOCOL_VERSION } = await import('../../protocol/base/version.js');
    const uid = process.geteuid?.() ?? 0;
    const host = await hostServer(context);
    const facts = {
      version: packageVersion(),
      protocol: PROTOCOL_VERSION,
      node: process.version,
      directories: clientDirectories({ env, uid, directory }),
      flowDirectory: host?.flowDirectory ?? flowDirectory({ env, uid }),
      hostServer: host ?? null,
    };
    if (output.json) return output.value(facts);
    output.table(
      [{ header: 'what' }, { header: 'value' }],
      [
        ['version', `${facts.version}, protocol ${facts.protocol}, Node ${facts.node}`],
        ['searched for servers', facts.directories.join(', ')],
        ['flow files', facts.flowDirectory],
        ['host server', host === undefined ? 'none runs' : `process ${host.pid} in ${host.directory}`],
      ],
      '',
    );
  },
});

async function hostServer(context: CommandContext) {
  const { withHost } = await import('../servers.js');
  try {
    return await withHost(context, (host) => host.info());
  } catch (error) {
    if (isMirrorflowError(error, 'NOT_RUNNING')) return undefined;
    throw error;
  }
}

/** `mirrorflow flows`. */
import { APP_OPTION, command } from '../command.js';
import { askApplications } from '../every-application.js';
import type { TextStyle } from '../render/colour.js';
import { formatBytes } from '../render/numbers.js';

const SOURCE_STYLES: Readonly<Record<string, TextStyle>> = {
  live: 'green',
  stale: 'alarm',
  starting: 'yellow',
  ended: 'dim',
};

export const flowsCommand = command({
  name: 'flows',
  summary: 'lists the flows of all applications, or of one',
  positionals: {},
  options: { app: { ...APP_OPTION, describe: 'only this application' } },
  examples: [['flows --app e23001', 'its flows: type, state, buffers, clients']],
  async run(context, { app }) {
    const flows = await askApplications(context, app, (client) => client.flows());
    const { output } = context;
    if (output.json) return output.value(flows);
    output.table(
      [
        { header: 'app' },
        { header: 'flow' },
        { header: 'type' },
        { header: 'state' },
        { header: 'source' },
        { header: 'buffer', align: 'right' },
        { header: 'buffers' },
        { header: 'published' },
        { header: 'clients' },
        { header: 'pid' },
        { header: 'restarts' },
        { header: 'cause' },
      ],
      flows.map((flow) => [
        flow.app,
        flow.flow,
        flow.type,
        flow.state,
        flow.sourceState === undefined
          ? undefined
          : { text: flow.sourceState, style: SOURCE_STYLES[flow.sourceState] ?? 'dim' },
        flow.bufferSize === undefined ? undefined : formatBytes(flow.bufferSize),
        flow.buffers,
        flow.published,
        flow.clients,
        flow.pid === undefined ? undefined : String(flow.pid),
        flow.restarts,
        flow.cause,
      ]),
      'No flows.',
    );
  },
});

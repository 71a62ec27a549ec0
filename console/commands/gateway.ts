/** `mirrorflow gateway`. */
import type { ApplicationOptions } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { numberValue } from '../option-values.js';
import { withClient, withHost } from '../servers.js';

const PORT_MAX = 65_535;
const READY_TIMEOUT_MS = 10_000;
const LOOK_MS = 50;

type GatewayOptions = NonNullable<ApplicationOptions['gateway']>;

export const gatewayCommand = command({
  name: 'gateway',
  summary: 'opens ports on which an application answers as if it were its SpecTcl, or tells which there are',
  positionals: {
    name: {
      type: 'string',
      describe: 'the application; may be left out when exactly one runs',
      completes: 'application',
    },
  },
  options: {
    rest: { type: 'string', describe: 'TCP port of the REST service; 0: any free one' },
    mirror: { type: 'string', describe: 'TCP port of the mirror service; 0: any free one' },
    host: { type: 'string', describe: 'address to listen on; left out: this machine only' },
    spectcl: { type: 'string', describe: 'for a new application: its SpecTcl' },
    'allow-changes': { type: 'boolean', describe: 'pass on requests that change SpecTcl' },
    key: { type: 'boolean', describe: 'shared memory that viewers attach by key' },
    'key-mode': { type: 'string', describe: 'its permissions, octal: 0666 for viewers of other users' },
    advertise: { type: 'string', describe: 'advertise NAME_REST and NAME_MIRROR at the port manager' },
  },
  examples: [
    ["gateway e23001 --spectcl 'spectcl://daq?rest=8000&mirror=8001' --rest 8100 --mirror 8101", 'opens it'],
    ['gateway e23001', 'tells its ports'],
  ],
  async run(context, given) {
    const { rest, mirror, name, spectcl } = given;
    if ((rest === undefined) !== (mirror === undefined)) {
      throw new MirrorflowError('BAD_OPTION', 'a gateway has both ports: give --rest and --mirror');
    }
    if (rest === undefined || mirror === undefined) return tell(context, name);
    if (name === undefined)
      throw new MirrorflowError('BAD_OPTION', 'say for which application: gateway NAME …');
    const port = (option: string, text: string): number => {
      const value = numberValue(option, text, { min: 0, max: PORT_MAX });
      if (Number.isInteger(value)) return value;
      throw new MirrorflowError('BAD_OPTION', `--${option} must be a whole number`, { option });
    };
    const gateway: GatewayOptions = {
      restPort: port('rest', rest),
      mirrorPort: port('mirror', mirror),
      ...(given.host !== undefined && { host: given.host }),
      ...(given['allow-changes'] === true && { allowChanges: true }),
      ...((given.key === true || given['key-mode'] !== undefined) && { sharedMemory: true }),
      ...(given['key-mode'] !== undefined && { sharedMemoryMode: given['key-mode'] }),
      ...(given.advertise !== undefined && { advertise: given.advertise }),
    };
    await open(context, name, spectcl, gateway);
    return tell(context, name);
  },
});

/**
 * Starts the application with the gateway; one that runs without it is started again, which costs
 * its viewers a moment.
 */
async function open(
  context: CommandContext,
  name: string,
  spectcl: string | undefined,
  gateway: GatewayOptions,
): Promise<void> {
  await withHost(context, async (host) => {
    const known = (await host.applications()).find((application) => application.name === name);
    const source = spectcl ?? known?.source;
    if (source === undefined) {
      throw new MirrorflowError('BAD_OPTION', `say which SpecTcl ${name} shall stand for: --spectcl ADDRESS`);
    }
    await host.restart({ name, source, gateway });
  });
}

async function tell(context: CommandContext, name: string | undefined): Promise<void> {
  const { output, signal } = context;
  const found = await withClient(context, name, async (client) => {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const { gateway } = await client.appInfo();
      const waiting = gateway?.state === 'starting' && gateway.cause === undefined;
      if (!waiting || performance.now() > deadline || signal.aborted) return { app: client.app, gateway };
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  });
  const { app, gateway } = found;
  if (gateway === undefined) {
    throw new MirrorflowError(
      'NOT_RUNNING',
      `${app} has no gateway; \`mirrorflow gateway ${app} --rest PORT --mirror PORT\` opens one`,
    );
  }
  if (gateway.state !== 'running') {
    throw new MirrorflowError(
      'NOT_RUNNING',
      `the gateway of ${app} is ${gateway.state}: ${gateway.cause ?? 'no cause is known'}`,
    );
  }
  if (output.json) output.value({ application: app, ...gateway });
  else {
    output.table(
      [
        { header: 'application' },
        { header: 'host' },
        { header: 'rest' },
        { header: 'mirror' },
        { header: 'pid' },
      ],
      [[app, gateway.host, String(gateway.restPort), String(gateway.mirrorPort), String(gateway.pid)]],
      '',
    );
  }
}

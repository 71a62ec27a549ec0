/**
 * `mirrorflow gateway`: opens the gateway of an application, or shows its ports.
 *
 * A gateway is a process that serves SpecTcl's REST and mirror protocols from the mirror, so that
 * existing viewers need not reach SpecTcl. The command talks to the host server and the app server.
 */
import { resolve } from 'node:path';
import type { ApplicationOptions } from '../../client-lib/index.js';
import { MirrorflowError } from '../../protocol/base/errors.js';
import { command, type CommandContext } from '../command.js';
import { numberValue } from '../option-values.js';
import { withClient, withHost } from '../servers.js';

const PORT_MAX = 65_535;
const READY_TIMEOUT_MS = 10_000;
const POLL_INTERVAL_MS = 50;

type GatewayOptions = NonNullable<ApplicationOptions['gateway']>;

export const gatewayCommand = command({
  name: 'gateway',
  summary: 'open ports on which an application answers as if it were its SpecTcl, or show them',
  positionals: {
    name: {
      type: 'string',
      describe: 'the application, optional when exactly one runs; or `check`',
      completes: 'application',
    },
    checked: {
      type: 'string',
      describe: 'check: the application; optional when exactly one runs',
      completes: 'application',
    },
  },
  options: {
    rest: { type: 'string', describe: 'TCP port of the REST service; 0: any free one' },
    mirror: { type: 'string', describe: 'TCP port of the mirror service; 0: any free one' },
    host: { type: 'string', describe: 'address to listen on; default: this machine only' },
    spectcl: { type: 'string', describe: 'SpecTcl of a new application' },
    'host-names': {
      type: 'string',
      describe: 'further names of this host that programs use, separated by commas',
    },
    tls: {
      type: 'boolean',
      describe:
        'serve other machines over TLS with the certificate of the host server; --no-tls: not, for viewers without TLS',
    },
    'changes-token-file': {
      type: 'string',
      describe: 'file with a token that requests that change SpecTcl must carry',
      completes: 'file',
    },
    'allow-changes': { type: 'boolean', describe: 'forward requests that change SpecTcl' },
    'shared-memory': { type: 'boolean', describe: 'create shared memory that viewers attach by a free key' },
    key: { type: 'string', describe: 'create shared memory with this key of 4 characters, such as XA01' },
    'key-mode': {
      type: 'string',
      describe: 'permissions of the shared memory, octal: 0666 for viewers of other users',
    },
    advertise: { type: 'string', describe: 'advertise NAME_REST and NAME_MIRROR at the port manager' },
  },
  examples: [
    ["gateway e23001 --spectcl 'spectcl://daq?rest=8000&mirror=8001' --rest 8100 --mirror 8101", 'open it'],
    ['gateway e23001', 'show its ports'],
    [
      'gateway check e23001',
      'compare what viewers ask, at SpecTcl and at the gateway; exit code 1 on a difference',
    ],
  ],
  async run(context, values) {
    const { rest, mirror, name, spectcl } = values;
    if (name === 'check') {
      const { checkGateway } = await import('../gateway-check/check.js');
      return checkGateway(context, values.checked);
    }
    if (values.checked !== undefined) {
      throw new MirrorflowError(
        'BAD_OPTION',
        `unexpected word ${JSON.stringify(values.checked)}: gateway [check] NAME`,
      );
    }
    if ((rest === undefined) !== (mirror === undefined)) {
      throw new MirrorflowError('BAD_OPTION', 'a gateway needs both ports: give --rest and --mirror');
    }
    if (rest === undefined || mirror === undefined) return showGateway(context, name);
    if (name === undefined)
      throw new MirrorflowError('BAD_OPTION', 'the name of the application is missing: gateway NAME …');
    const port = (option: string, text: string): number => {
      const value = numberValue(option, text, { min: 0, max: PORT_MAX });
      if (Number.isInteger(value)) return value;
      throw new MirrorflowError('BAD_OPTION', `--${option} is ${value}; it must be a whole number`, {
        option,
      });
    };
    const gateway: GatewayOptions = {
      restPort: port('rest', rest),
      mirrorPort: port('mirror', mirror),
      ...(values.host !== undefined && { host: values.host }),
      ...(values['host-names'] !== undefined && { names: values['host-names'].split(',') }),
      ...(values.tls !== undefined && { tls: values.tls }),
      ...(values['allow-changes'] === true && { allowChanges: true }),
      ...(values['changes-token-file'] !== undefined && {
        changesTokenFile: resolve(values['changes-token-file']),
      }),
      ...((values['shared-memory'] ?? values.key ?? values['key-mode']) !== undefined && {
        sharedMemory: true,
      }),
      ...(values.key !== undefined && { sharedMemoryKey: memoryKey(values.key) }),
      ...(values['key-mode'] !== undefined && { sharedMemoryMode: values['key-mode'] }),
      ...(values.advertise !== undefined && { advertise: values.advertise }),
    };
    await openGateway(context, name, spectcl, gateway);
    return showGateway(context, name);
  },
});

function memoryKey(key: string): string {
  if (/^[\x21-\x7e]{4}$/.test(key)) return key;
  const message = `--key is ${JSON.stringify(key)}; it must be 4 visible ASCII characters, such as XA01`;
  throw new MirrorflowError('BAD_OPTION', message, { option: 'key' });
}

/**
 * Starts the application with the gateway. An application that runs without it is restarted, which
 * interrupts its viewers for a moment.
 */
async function openGateway(
  context: CommandContext,
  name: string,
  spectcl: string | undefined,
  gateway: GatewayOptions,
): Promise<void> {
  await withHost(context, async (host) => {
    const application = (await host.applications()).find((candidate) => candidate.name === name);
    const source = spectcl ?? application?.source;
    if (source === undefined) {
      throw new MirrorflowError('BAD_OPTION', `application ${name} has no SpecTcl: give --spectcl ADDRESS`);
    }
    await host.restart({ name, source, gateway });
  });
}

async function showGateway(context: CommandContext, name: string | undefined): Promise<void> {
  const { output, signal } = context;
  const answer = await withClient(context, name, async (client) => {
    const deadline = performance.now() + READY_TIMEOUT_MS;
    for (;;) {
      const { gateway } = await client.appInfo();
      const isStarting = gateway?.state === 'starting' && gateway.cause === undefined;
      if (!isStarting || performance.now() > deadline || signal.aborted) return { app: client.app, gateway };
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  });
  const { app, gateway } = answer;
  if (gateway === undefined) {
    throw new MirrorflowError(
      'NOT_RUNNING',
      `${app} has no gateway; \`mirrorflow gateway ${app} --rest PORT --mirror PORT\` opens one`,
    );
  }
  if (gateway.state !== 'running') {
    throw new MirrorflowError(
      'NOT_RUNNING',
      `the gateway of ${app} is ${gateway.state}: ${gateway.cause ?? 'unknown cause'}`,
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

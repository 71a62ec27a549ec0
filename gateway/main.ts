/**
 * The gateway program: serves SpecTcl's REST and mirror protocols of one application, and its
 * shared memory by key.
 *
 *   options → Gateway (mirror, services, ports) → ParentConnection (the app server)
 *
 * An app server starts it. It outlives the app server, so that viewers do not notice a restart. It
 * exits on a signal, when the app server refuses it, or after a time without app server and
 * clients.
 */
import { Logger } from '../protocol/base/log.js';
import { appTokenPath } from '../protocol/base/paths.js';
import { endWhenOrphaned, ownReady, quit } from '../protocol/host/process-kit/adoptable-program.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { readProgramOptions } from '../protocol/host/process-kit/usage.js';
import { settle } from '../protocol/host/process-kit/settle.js';
import { Gateway } from './gateway.js';
import { gatewayHelp, parseOptions, type GatewayProgramOptions } from './options.js';
import { reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { ParentConnection } from './parent.js';

async function run(options: GatewayProgramOptions): Promise<void> {
  const log = new Logger(`gateway:${options.app}`);
  const childToken = appTokenPath(options.directory, options.app, 'child');
  const appServer = { socket: options.parent, childToken };
  const starting = Gateway.start(options, log);
  /** Holds the connection once the gateway is ready; a signal may arrive before. */
  const ready: { parent?: ParentConnection } = {};
  endOnSignals(log, async () => {
    await ready.parent?.close();
    await (await starting.catch(() => undefined))?.close();
  });
  let gateway: Gateway;
  try {
    gateway = await starting;
  } catch (error) {
    log.error('not started', { error });
    await reportFailedStart(appServer, error, log);
    process.exit(1);
  }
  const parent = new ParentConnection(
    appServer,
    () => ({
      ...ownReady(),
      application: options.app,
      options: options.gateway,
      host: gateway.host,
      restPort: gateway.restPort,
      mirrorPort: gateway.mirrorPort,
    }),
    quit,
    log,
  );
  ready.parent = parent;
  endWhenOrphaned(() => !parent.connected && gateway.clients === 0);
  settle();
}

const options = readProgramOptions('gateway', gatewayHelp, parseOptions);
if (options !== undefined) void run(options);

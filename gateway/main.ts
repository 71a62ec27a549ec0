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
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import { systemClock } from '../protocol/base/clock.js';
import { Logger } from '../protocol/base/log.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { appTokenPath } from '../protocol/base/paths.js';
import { LAUNCH_VARIABLE } from '../protocol/host/process-kit/child.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { reportBadUsage, printHelpIfAsked } from '../protocol/host/process-kit/usage.js';
import { settle } from '../protocol/host/process-kit/settle.js';
import { Gateway } from './gateway.js';
import { gatewayHelp, parseOptions, type GatewayProgramOptions } from './options.js';
import { reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { ParentConnection } from './parent.js';

/** Time without an app server after which a gateway without clients exits. */
const ORPHAN_LINGER_MS = 120_000;

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
  const launch = process.env[LAUNCH_VARIABLE];
  const quit = (): void => void process.kill(process.pid, 'SIGTERM');
  const parent = new ParentConnection(
    appServer,
    () => ({
      ...(launch === undefined ? {} : { launch }),
      version: PROTOCOL_VERSION,
      identity: identityToWire(ownIdentity()),
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
  endOrphan(gateway, parent, quit);
  settle();
}

/** Calls `quit` when two checks in a row find neither an app server nor clients. */
function endOrphan(gateway: Gateway, parent: ParentConnection, quit: () => void, wasOrphan = false): void {
  systemClock.after(
    ORPHAN_LINGER_MS / 2,
    () => {
      const isOrphan = !parent.connected && gateway.clients === 0;
      if (isOrphan && wasOrphan) quit();
      else endOrphan(gateway, parent, quit, isOrphan);
    },
    true,
  );
}

function readOptions(): GatewayProgramOptions | undefined {
  const args = process.argv.slice(2);
  if (printHelpIfAsked(args, gatewayHelp)) return undefined;
  try {
    return parseOptions(args, process.env);
  } catch (error) {
    reportBadUsage('gateway', error);
    return undefined;
  }
}

const options = readOptions();
if (options !== undefined) void run(options);

/**
 * The gateway program: SpecTcl's REST and mirror services of one application, and its shared memory
 * by key.
 *
 *   options → Gateway (mirror, services, ports) → Parent (the app server)
 *
 * It outlives its app server, so that viewers see nothing of a restart; it ends when it is told to,
 * or when both its app server and its clients have been gone for a while.
 */
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { PROTOCOL_VERSION } from '../protocol/base/version.js';
import { systemClock } from '../protocol/base/clock.js';
import { Logger } from '../protocol/base/log.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { LAUNCH_VARIABLE } from '../protocol/host/process-kit/child.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { reportBadUsage, printHelpIfAsked } from '../protocol/host/process-kit/usage.js';
import { limitYoungGeneration } from '../protocol/host/process-kit/young-generation.js';
import { Gateway } from './gateway.js';
import { gatewayHelp, parseOptions, type GatewayProgramOptions } from './options.js';
import { reportFailedStart } from '../protocol/host/process-kit/failed-start.js';
import { Parent } from './parent.js';

/**
 * An app server that is not restarted within this time will not be; then only clients are a reason
 * to stay.
 */
const ORPHAN_LINGER_MS = 120_000;

async function run(options: GatewayProgramOptions): Promise<void> {
  const log = new Logger(`gateway:${options.app}`);
  const starting = Gateway.start(options, log);
  /** What is there once the gateway is ready; a signal may come before. */
  const beside: { parent: Parent | undefined } = { parent: undefined };
  endOnSignals(log, async () => {
    await beside.parent?.close();
    await (await starting.catch(() => undefined))?.close();
  });
  let gateway: Gateway;
  try {
    gateway = await starting;
  } catch (error) {
    log.error('not started', { error });
    await reportFailedStart(options.parent, error, log);
    process.exit(1);
  }
  const launch = process.env[LAUNCH_VARIABLE];
  const quit = (): void => void process.kill(process.pid, 'SIGTERM');
  const parent = new Parent(
    options.parent,
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
  beside.parent = parent;
  endOrphan(gateway, parent, quit);
  limitYoungGeneration();
}

/** Twice in a row without app server and clients: nobody will come back for this gateway. */
function endOrphan(gateway: Gateway, parent: Parent, quit: () => void, before = false): void {
  systemClock.after(
    ORPHAN_LINGER_MS / 2,
    () => {
      const orphan = !parent.connected && gateway.clients === 0;
      if (orphan && before) quit();
      else endOrphan(gateway, parent, quit, orphan);
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

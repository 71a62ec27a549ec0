/**
 * The NATS process of a host: publishes flows to other sites, meets their hosts, and carries calls
 * between sites.
 *
 *   options → HostLink (the host server) → connection → Presence, SiteCalls, publisher
 *
 * A host server starts it. It outlives the host server, because it carries data. It ends on a
 * signal, when the host server refuses it, or after a time without host server.
 */
import { join } from 'node:path';
import { systemClock } from '../protocol/base/clock.js';
import { Logger } from '../protocol/base/log.js';
import { ownIdentity } from '../protocol/base/owner-identity.js';
import { hostSocketPath, hostTokenPath } from '../protocol/base/paths.js';
import { ClaimedRecord } from '../protocol/host/claimed-record.js';
import { ownReady, quit } from '../protocol/host/process-kit/adoptable-program.js';
import { reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { readProgramOptions } from '../protocol/host/process-kit/usage.js';
import { NATS_RECORD } from '../protocol/nats/options.js';
import { readSeals } from '../protocol/nats/signature.js';
import { identityToWire } from '../protocol/rpc/contract/identity-on-wire.js';
import { HostLink } from './host-link.js';
import { natsHelp, parseOptions, type NatsProgramOptions } from './options.js';
import { Site } from './site.js';

/** Time without a host server after which the process ends. */
const WITHOUT_HOST_MS = 600_000;
const LOOK_MS = 5_000;

async function run(options: NatsProgramOptions): Promise<void> {
  const log = new Logger('nats');
  const { directory, nats } = options;
  const hostServer = {
    socket: hostSocketPath(directory, 'control'),
    childToken: hostTokenPath(directory, 'child'),
  };
  let record: ClaimedRecord;
  let site: Site;
  try {
    record = new ClaimedRecord(join(directory, NATS_RECORD), identityToWire(ownIdentity()));
    site = new Site({ ...options, seals: readSeals(nats), clock: systemClock, log });
  } catch (error) {
    log.error('not started', { error });
    await reportFailedStart(hostServer, error, log);
    process.exit(1);
  }
  process.once('exit', () => record.release());
  const link = new HostLink({
    directory,
    ready: {
      ...ownReady(),
      options: JSON.stringify(nats),
    },
    call: (name, host, call) => site.call(name, host, call),
    onRefused: quit,
    log,
  });
  endOnSignals(log, async () => {
    await site.close();
    await link.close();
  });
  endWithoutHost(link);
  site.start(link);
}

/** Ends this program when there was no host server for the whole time. */
function endWithoutHost(link: HostLink): void {
  let seenAtMs = systemClock.nowMs();
  const look = (): void => {
    if (link.connected) seenAtMs = systemClock.nowMs();
    if (systemClock.nowMs() - seenAtMs >= WITHOUT_HOST_MS) quit();
    else systemClock.after(LOOK_MS, look, true);
  };
  look();
}

const options = readProgramOptions('nats', natsHelp, parseOptions);
if (options !== undefined) void run(options);

#!/usr/bin/env node
/**
 * The program `mirrorflow-host-server`, a daemon: one per machine or user, started by systemd or by
 * hand. Reads its options, starts a HostServer, ends it on a signal. Exit codes are listed by
 * `--help`.
 */
import { systemClock } from '../protocol/base/clock.js';
import { isMirrorflowError } from '../protocol/base/errors.js';
import { packageVersion } from '../protocol/base/installation.js';
import { Logger } from '../protocol/base/log.js';
import { settle } from '../protocol/host/process-kit/settle.js';
import { reportBadUsage } from '../protocol/host/process-kit/usage.js';
import { endOnSignals } from './end-on-signals.js';
import { HostServer } from './host-server.js';
import { readOptions, type HostServerOptions } from './options.js';
import { SystemdNotifier } from './boot/sd-notify.js';

const EXIT_CANNOT_START = 1;
const EXIT_ALREADY_RUNNING = 3;

async function main(): Promise<void> {
  const options = await optionsOrReport();
  if (options === undefined) return;
  if (options.check === true) {
    process.stdout.write('the options and the configuration are valid\n');
    return;
  }
  // Child processes inherit the log level, and not the variables by which systemd watches this one.
  const { level, format } = options.log;
  if (level !== undefined) process.env['MIRRORFLOW_LOG_LEVEL'] = level;
  const log = new Logger('host-server', { ...(format !== undefined && { format }) });
  const notifier = new SystemdNotifier(process.env, log, systemClock);
  for (const name of ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']) delete process.env[name];
  try {
    const server = await HostServer.start(options, log, notifier);
    endOnSignals(server, log);
    settle();
    await server.startApplications();
  } catch (error) {
    log.error('could not start', { error, code: isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR' });
    process.exit(isMirrorflowError(error, 'ALREADY_RUNNING') ? EXIT_ALREADY_RUNNING : EXIT_CANNOT_START);
  }
}

/** Undefined when help or version was printed, or when bad options were reported. */
async function optionsOrReport(): Promise<HostServerOptions | undefined> {
  try {
    const uid = process.geteuid?.() ?? 0;
    return await readOptions(process.argv.slice(2), process.env, uid, packageVersion());
  } catch (error) {
    reportBadUsage('mirrorflow-host-server', error);
    return undefined;
  }
}

void main();

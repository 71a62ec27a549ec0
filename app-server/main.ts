/** The app server program: options, start, end. */
import { systemClock } from '../protocol/clock.js';
import { hostSocketPath, runtimeDirectory } from '../protocol/directories.js';
import type { MirrorflowError } from '../protocol/errors.js';
import { Logger } from '../protocol/log.js';
import { LAUNCH_VARIABLE } from '../protocol/process-kit/child.js';
import { reportFailedStart } from '../protocol/process-kit/failed-start.js';
import { endOnSignals } from '../protocol/process-kit/termination.js';
import { errorForCaller } from '../protocol/xml-rpc/fault.js';
import { AppServer, CLOSE_TIMEOUT_MS } from './app-server.js';
import { parseOptions, type AppServerOptions } from './options.js';

/** Replaces the duplicator program; for tests of the app server alone. */
const DUPLICATOR_VARIABLE = 'MIRRORFLOW_DUPLICATOR';

const { env } = process;
const uid = process.geteuid?.() ?? 0;
const launch = env[LAUNCH_VARIABLE] || undefined;

async function run(options: AppServerOptions, log: Logger): Promise<void> {
  const duplicatorScript = env[DUPLICATOR_VARIABLE];
  const starting = AppServer.start({
    options,
    clock: systemClock,
    log,
    launch,
    onQuit: () => process.kill(process.pid, 'SIGTERM'),
    ...(duplicatorScript ? { duplicatorScript } : {}),
  });
  const close = async (): Promise<void> => (await starting.catch(() => undefined))?.close();
  endOnSignals(log, close, CLOSE_TIMEOUT_MS);
  await starting;
}

async function failed(error: MirrorflowError, directory: string, log: Logger): Promise<void> {
  log.error('the app server cannot start', { code: error.code, error });
  await reportFailedStart(hostSocketPath(directory), error, log);
  process.exit(1);
}

async function main(): Promise<void> {
  let log = new Logger('app-server');
  let directory: string | undefined;
  try {
    const options = parseOptions(process.argv.slice(2), env, uid);
    directory = options.directory;
    log = new Logger(`app-server:${options.application.name}`);
    await run(options, log);
  } catch (thrown) {
    await failed(errorForCaller(thrown), directory ?? runtimeDirectory({ env, uid }), log);
  }
}

void main();

/**
 * The program `app-server`, one process per application: reads its options, starts an AppServer,
 * ends it on a signal. The host server starts it with a launch token in the environment, a user can
 * start it by hand. A failed start is reported to the host server and on standard error, with exit
 * code 1.
 */
import { systemClock } from '../protocol/base/clock.js';
import { hostSocketPath, hostTokenPath, runtimeDirectory } from '../protocol/base/paths.js';
import { MirrorflowError } from '../protocol/base/errors.js';
import { Logger } from '../protocol/base/log.js';
import { LAUNCH_VARIABLE } from '../protocol/host/process-kit/child.js';
import { reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { reportBadUsage, printHelpIfAsked } from '../protocol/host/process-kit/usage.js';
import { settle } from '../protocol/host/process-kit/settle.js';
import { errorForCaller } from '../protocol/rpc/xml-rpc/fault.js';
import { AppServer, CLOSE_TIMEOUT_MS } from './app-server.js';
import { appServerHelp, parseOptions, type AppServerOptions } from './options.js';

/** Replaces the duplicator program; for tests of the app server alone. */
const DUPLICATOR_VARIABLE = 'MIRRORFLOW_DUPLICATOR';

const { env } = process;
const uid = process.geteuid?.() ?? 0;
const launchToken = env[LAUNCH_VARIABLE] || undefined;

async function run(options: AppServerOptions, log: Logger): Promise<void> {
  const duplicatorScript = env[DUPLICATOR_VARIABLE];
  const starting = AppServer.start({
    options,
    clock: systemClock,
    log,
    launchToken,
    onQuit: () => process.kill(process.pid, 'SIGTERM'),
    onReplaced: () => process.exit(0), // sockets and duplicators are the other one's
    ...(duplicatorScript ? { duplicatorScript } : {}),
  });
  const close = async (): Promise<void> => (await starting.catch(() => undefined))?.close();
  endOnSignals(log, close, CLOSE_TIMEOUT_MS);
  await starting;
  settle();
}

async function fail(error: MirrorflowError, directory: string, log: Logger): Promise<void> {
  log.error('the app server cannot start', { code: error.code, error });
  const parent = {
    socket: hostSocketPath(directory, 'control'),
    childToken: hostTokenPath(directory, 'child'),
  };
  await reportFailedStart(parent, error, log);
  process.exit(1);
}

function readOptions(args: readonly string[]): AppServerOptions | MirrorflowError {
  try {
    return parseOptions(args, env, uid);
  } catch (thrown) {
    return errorForCaller(thrown);
  }
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (printHelpIfAsked(args, appServerHelp)) return;
  const options = readOptions(args);
  if (options instanceof MirrorflowError) {
    // A user gets bad options reported in one line, the host server as any failed start.
    if (launchToken === undefined) reportBadUsage('app-server', options);
    else await fail(options, runtimeDirectory({ env, uid }), new Logger('app-server'));
    return;
  }
  const log = new Logger(`app-server:${options.application.name}`);
  try {
    await run(options, log);
  } catch (thrown) {
    await fail(errorForCaller(thrown), options.directory, log);
  }
}

void main();

/**
 * The recorder program: records flows of one application into files, as its app server asks.
 *
 *   options → RecordingService (client, files) → ParentConnection (the app server)
 *
 * An app server starts it. It outlives the app server, so that a restart leaves no gap. It exits on
 * a signal, when the app server refuses it, or after a time without app server. Writes files into
 * one directory and a record beside the flow files.
 */
import { Logger } from '../protocol/base/log.js';
import { appFlowDirectory, appTokenPath, recorderRecordPath } from '../protocol/base/paths.js';
import { prepareDirectory } from '../protocol/base/files/private-directory.js';
import { endWhenOrphaned, ownReady, quit } from '../protocol/host/process-kit/adoptable-program.js';
import { reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { readProgramOptions } from '../protocol/host/process-kit/usage.js';
import { PutBack } from '../protocol/host/put-back.js';
import { claimRecorderRecord } from '../protocol/host/recorder-record.js';
import { parseOptions, recorderHelp, type RecorderProgramOptions } from './service/options.js';
import { ParentConnection } from './service/parent.js';
import { RecordingService } from './service/recording-service.js';

async function run(options: RecorderProgramOptions): Promise<void> {
  const { app, directory, flowDirectory, parent: socket, record } = options;
  const log = new Logger(`recorder:${app}`);
  const appServer = { socket, childToken: appTokenPath(directory, app, 'child') };
  const prepareFolders = (): void => {
    for (const path of [flowDirectory, appFlowDirectory(flowDirectory, app)]) prepareDirectory(path);
  };
  let claimed: ReturnType<typeof claimRecorderRecord>;
  try {
    prepareFolders();
    claimed = claimRecorderRecord(recorderRecordPath(flowDirectory, app));
  } catch (error) {
    log.error('not started', { error });
    await reportFailedStart(appServer, error, log);
    process.exit(1);
  }
  const service = new RecordingService(options, log);
  const parent = new ParentConnection(
    appServer,
    {
      ready: () => ({
        ...ownReady(),
        application: app,
        options: record,
      }),
      report: () => service.report(),
      onRefused: quit,
    },
    log,
  );
  const keeper = new PutBack(
    [claimed.path, flowDirectory],
    () => {
      prepareFolders();
      claimed.putBack();
    },
    log,
  );
  endOnSignals(log, async () => {
    await Promise.all([service.close(), parent.close(), keeper.close()]);
    claimed.release();
  });
  endWhenOrphaned(() => !parent.connected);
}

const options = readProgramOptions('recorder', recorderHelp, parseOptions);
if (options !== undefined) void run(options);

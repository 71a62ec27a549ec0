#!/usr/bin/env node
/**
 * The program of the web viewer, an HTTP server that shows live spectra in browsers. Prints one
 * line of JSON when it listens: `{"ready":true,"address":"http://127.0.0.1:7391/","pid":4711}`.
 * Started by the host server, it also reports its address there, by the XML-RPC call `child.ready`.
 * Ends on a signal or, where the options say so, with its standard input.
 */
import { isMirrorflowError } from '../protocol/base/errors.js';
import { hostSocketPath } from '../protocol/base/paths.js';
import { reportAddress, reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { packageVersion, webAssets } from '../protocol/base/installation.js';
import { Logger } from '../protocol/base/log.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { endWithBadUsage } from '../protocol/host/process-kit/usage.js';
import { readWebOptions, type WebOptions } from './server/options.js';
import { WebServer } from './server/web-server.js';

const EXIT_CANNOT_START = 1;

async function optionsOrUsageError(): Promise<WebOptions | undefined> {
  try {
    return await readWebOptions(process.argv.slice(2), process.env, packageVersion());
  } catch (error) {
    endWithBadUsage('mirrorflow-web', error);
  }
}

async function main(): Promise<void> {
  const options = await optionsOrUsageError();
  if (options === undefined) return;
  const log = new Logger('web');
  const { endWithStdin, ...rest } = options;
  const parent = rest.directory === undefined ? undefined : hostSocketPath(rest.directory);
  try {
    const server = await WebServer.start({ ...rest, assets: webAssets(), version: packageVersion() }, log);
    endOnSignals(log, () => server.close());
    if (endWithStdin) endWithParent(server);
    const { address } = server;
    log.info('listening', { address });
    process.stdout.write(`${JSON.stringify({ ready: true, address, pid: process.pid })}\n`);
    if (parent !== undefined) await reportAddress(parent, address, log);
  } catch (error) {
    log.error('could not start', { error, code: isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR' });
    await reportFailedStart(parent, error, log);
    process.exit(EXIT_CANNOT_START);
  }
}

/** Ends the process when its standard input ends, so that it never outlives its parent. */
function endWithParent(server: WebServer): void {
  const end = (): void => void server.close().finally(() => process.exit(0));
  process.stdin.once('end', end).once('close', end).once('error', end).resume();
}

void main();

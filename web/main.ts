#!/usr/bin/env node
/**
 * The program of the web viewer, an HTTP server that shows live spectra in browsers; started by the
 * host server or by hand. Opens the listening socket, reads the built page and the secret file.
 * Prints one line of JSON when it listens:
 * `{"ready":true,"address":"http://127.0.0.1:7391/","pid":4711}`. Given a runtime directory, it
 * also reports this URL to the host server there by the XML-RPC call `child.ready` (a child process
 * is ready). Ends on a signal or, with `--end-with-stdin`, with its standard input.
 */
import { isMirrorflowError } from '../protocol/base/errors.js';
import { hostSocketPath, hostTokenPath } from '../protocol/base/paths.js';
import { reportAddress, reportFailedStart } from '../protocol/host/process-kit/start-report.js';
import { packageFolder, packageVersion, webAssets } from '../protocol/base/installation.js';
import { Logger } from '../protocol/base/log.js';
import { settle } from '../protocol/host/process-kit/settle.js';
import { endOnSignals } from '../protocol/host/process-kit/termination.js';
import { endWithBadUsage } from '../protocol/host/process-kit/usage.js';
import { JsrootPackage } from './server/jsroot-package.js';
import { readWebOptions, type WebOptions } from './server/options.js';
import { WebServer } from './server/web-server.js';

const EXIT_CANNOT_START = 1;

/** Undefined: help was printed, or bad usage was reported. */
async function readOptionsOrReportUsage(): Promise<WebOptions | undefined> {
  try {
    return await readWebOptions(process.argv.slice(2), process.env, packageVersion());
  } catch (error) {
    endWithBadUsage('mirrorflow-web', error);
  }
}

async function main(): Promise<void> {
  const options = await readOptionsOrReportUsage();
  if (options === undefined) return;
  const log = new Logger('web');
  const { listening, host } = options;
  const { directory } = host;
  const hostServer =
    directory === undefined
      ? undefined
      : { socket: hostSocketPath(directory, 'control'), childToken: hostTokenPath(directory, 'child') };
  try {
    const jsroot = JsrootPackage.find(options.jsroot, packageFolder());
    if (jsroot !== undefined) log.info('JSROOT is installed', { version: jsroot.version });
    const server = await WebServer.start(
      { listening, host, jsroot, assets: webAssets(), version: packageVersion() },
      log,
    );
    endOnSignals(log, () => server.close());
    if (options.endWithStdin) endWithStdin(server);
    const { address: url } = server;
    log.info('listening', { address: url });
    process.stdout.write(`${JSON.stringify({ ready: true, address: url, pid: process.pid })}\n`);
    if (hostServer !== undefined) await reportAddress(hostServer, url, log);
    settle();
  } catch (error) {
    log.error('could not start', { error, code: isMirrorflowError(error) ? error.code : 'SYSTEM_ERROR' });
    await reportFailedStart(hostServer, error, log);
    process.exit(EXIT_CANNOT_START);
  }
}

/** Ends the process when its standard input ends, so that it never outlives its parent. */
function endWithStdin(server: WebServer): void {
  const end = (): void => void server.close().finally(() => process.exit(0));
  process.stdin.once('end', end).once('close', end).once('error', end).resume();
}

void main();

/**
 * Options of a web server in a test, with a page of two documents, on any free port of this machine
 * and without a host server. Used by tests that start `WebServer` in their own process. Writes the
 * page into the directory that it is given.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ListeningOptions } from '../../web/server/listening-options.js';
import type { WebServerOptions } from '../../web/server/web-server.js';

/** `directory`: a temporary one, which the test removes. */
export function viewerOptions(
  directory: string,
  listening: Partial<ListeningOptions> = {},
): WebServerOptions {
  const assets = join(directory, 'page');
  mkdirSync(assets, { recursive: true });
  writeFileSync(join(assets, 'index.html'), '<p>page</p>');
  writeFileSync(join(assets, 'gate.html'), '<p>sign in</p>');
  return {
    listening: {
      listen: { scheme: 'tcp', host: '127.0.0.1', port: 0 },
      orAnyPort: false,
      names: [],
      secret: undefined,
      identity: undefined,
      ...listening,
    },
    host: { directory, stateDirectory: join(directory, 'state'), recordings: [] },
    assets,
    jsroot: undefined,
    version: '1.2.3',
  };
}
